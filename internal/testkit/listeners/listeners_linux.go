package listeners

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Of returns the TCP addresses on which a process and all that it has started listen.
func Of(t testing.TB, pid int) []netip.AddrPort {
	t.Helper()
	open := map[string]netip.AddrPort{} // by what a descriptor of the socket links to
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if os.IsNotExist(err) { // without IPv6
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			const listening = "0A"
			fields := strings.Fields(line)
			if len(fields) < 10 || fields[3] != listening {
				continue
			}
			address, err := parse(fields[1])
			if err != nil {
				t.Fatalf("%s: %v", table, err)
			}
			open["socket:["+fields[9]+"]"] = address
		}
	}
	var found []netip.AddrPort
	for _, p := range family(t, pid) {
		descriptors, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", p))
		for _, d := range descriptors {
			to, _ := os.Readlink(d) // one that is gone listens no more
			if address, ok := open[to]; ok && !slices.Contains(found, address) {
				found = append(found, address)
			}
		}
	}
	return found
}

// parse reads an address as the kernel writes it: words of four bytes in the machine's order, then the port.
func parse(s string) (netip.AddrPort, error) {
	host, port, _ := strings.Cut(s, ":")
	number, err := strconv.ParseUint(port, 16, 16)
	if err != nil {
		return netip.AddrPort{}, err
	}
	words, err := hex.DecodeString(host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	var address []byte
	for word := range slices.Chunk(words, 4) {
		address = binary.NativeEndian.AppendUint32(address, binary.BigEndian.Uint32(word))
	}
	ip, ok := netip.AddrFromSlice(address)
	if !ok {
		return netip.AddrPort{}, fmt.Errorf("%q is not an address", s)
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(number)), nil
}

// family is a process with its children, their children and so on.
func family(t testing.TB, pid int) []int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	children := map[int][]int{}
	for _, stat := range stats {
		text, err := os.ReadFile(stat)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(text), ") ") // the name may hold anything
		fields := strings.Fields(rest)
		child, err := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
		if err != nil || len(fields) < 2 {
			t.Fatalf("%s: %q", stat, text)
		}
		parent, err := strconv.Atoi(fields[1])
		if err != nil {
			t.Fatalf("%s: %v", stat, err)
		}
		children[parent] = append(children[parent], child)
	}
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}
