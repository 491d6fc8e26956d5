package supervise

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// firewall refuses connections to the ports of apps: to everyone but the platform's user and the app itself, and from other
// machines. It is a table of nftables, which stays in force while no platform runs.
type firewall struct {
	mu    sync.Mutex
	held  map[int]bool // ports of apps that this process has started: they may not listen yet
	table *nftables.Table
	ports *nftables.Set // of apps
	own   *nftables.Set // pairs of a user and a port: that of an app may connect to the app
}

// newFirewall creates the table, or takes over the one of an earlier run with the ports of the apps that still run.
func newFirewall(name string) (*firewall, error) {
	table := &nftables.Table{Family: nftables.TableFamilyINet, Name: name}
	f := &firewall{
		held: map[int]bool{}, table: table,
		ports: &nftables.Set{Table: table, Name: "ports", KeyType: nftables.TypeInetService},
		own: &nftables.Set{Table: table, Name: "own", Concatenation: true,
			KeyType: nftables.MustConcatSetType(nftables.TypeUID, nftables.TypeInetService)},
	}
	c, err := nftables.New()
	if err != nil {
		return nil, err
	}
	c.AddTable(table)
	if err := errors.Join(c.AddSet(f.ports, nil), c.AddSet(f.own, nil)); err != nil {
		return nil, err
	}
	out := c.AddChain(&nftables.Chain{Table: table, Name: "output", Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityFilter})
	in := c.AddChain(&nftables.Chain{Table: table, Name: "input", Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityFilter})
	c.FlushChain(out)
	c.FlushChain(in)
	user := binaryutil.NativeEndian.PutUint32(uint32(os.Geteuid()))
	c.AddRule(&nftables.Rule{Table: table, Chain: out, Exprs: slices.Concat(
		f.opens(expr.MetaKeyOIFNAME, expr.CmpOpEq),
		[]expr.Any{
			&expr.Meta{Key: expr.MetaKeySKUID, Register: 1},
			&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: user},
			// The registers of 4 bytes begin with number 8. Both values together are the key.
			&expr.Meta{Key: expr.MetaKeySKUID, Register: unix.NFT_REG32_00},
			&expr.Payload{DestRegister: unix.NFT_REG32_01, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
			&expr.Lookup{SourceRegister: unix.NFT_REG32_00, SetName: f.own.Name, SetID: f.own.ID, Invert: true},
			&expr.Reject{Type: unix.NFT_REJECT_TCP_RST},
		})})
	c.AddRule(&nftables.Rule{Table: table, Chain: in, Exprs: append(f.opens(expr.MetaKeyIIFNAME, expr.CmpOpNeq), &expr.Verdict{Kind: expr.VerdictDrop})})
	if err := c.Flush(); err != nil {
		return nil, fmt.Errorf("create a firewall table: %w", err)
	}
	return f, f.forget()
}

// opens matches the first packet of a TCP connection to the port of an app, on the loopback interface or another one.
func (f *firewall) opens(device expr.MetaKey, op expr.CmpOp) []expr.Any {
	loopback := make([]byte, unix.IFNAMSIZ)
	copy(loopback, "lo")
	const synAck, syn = 0x12, 0x02
	return []expr.Any{
		&expr.Meta{Key: device, Register: 1},
		&expr.Cmp{Op: op, Register: 1, Data: loopback},
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{unix.IPPROTO_TCP}},
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 13, Len: 1}, // flags
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 1, Mask: []byte{synAck}, Xor: []byte{0}},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{syn}},
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Lookup{SourceRegister: 1, SetName: f.ports.Name, SetID: f.ports.ID},
	}
}

// protect closes a port to everyone but the platform and one more user.
func (f *firewall) protect(port, user int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.forget(); err != nil {
		return err
	}
	c, err := nftables.New()
	if err != nil {
		return err
	}
	err = errors.Join(
		c.SetAddElements(f.ports, []nftables.SetElement{{Key: binary.BigEndian.AppendUint16(nil, uint16(port))}}),
		c.SetAddElements(f.own, []nftables.SetElement{{Key: pair(user, port)}}),
		c.Flush())
	if err != nil {
		return fmt.Errorf("protect the app's port: %w", err)
	}
	f.held[port] = true
	return nil
}

// release ends the protection of a port, whose app has ended.
func (f *firewall) release(port int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.held, port)
	_ = f.forget()
}

// pair is a key of own.
func pair(user, port int) []byte {
	return append(binary.BigEndian.AppendUint16(binaryutil.NativeEndian.PutUint32(uint32(user)), uint16(port)), 0, 0)
}

// forget removes the ports on which nobody listens any more: those of apps that have ended.
func (f *firewall) forget() error {
	c, err := nftables.New()
	if err != nil {
		return err
	}
	ports, err := c.GetSetElements(f.ports)
	if err != nil {
		return err
	}
	if len(ports) == 0 {
		return nil
	}
	pairs, err := c.GetSetElements(f.own)
	if err != nil {
		return err
	}
	used := maps.Clone(f.held)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		for _, port := range listeners(table, nil) {
			used[port] = true
		}
	}
	ended := func(key []byte) bool { return !used[int(binary.BigEndian.Uint16(key))] }
	ports = slices.DeleteFunc(ports, func(e nftables.SetElement) bool { return !ended(e.Key) })
	pairs = slices.DeleteFunc(pairs, func(e nftables.SetElement) bool { return len(e.Key) < 6 || !ended(e.Key[4:]) })
	if len(ports) == 0 && len(pairs) == 0 {
		return nil
	}
	return errors.Join(c.SetDeleteElements(f.ports, ports), c.SetDeleteElements(f.own, pairs), c.Flush())
}

// remove removes the table if no app is protected.
func (f *firewall) remove() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.forget() != nil {
		return
	}
	c, err := nftables.New()
	if err != nil {
		return
	}
	if ports, err := c.GetSetElements(f.ports); err == nil && len(ports) == 0 {
		c.DelTable(f.table)
		_ = c.Flush()
	}
}
