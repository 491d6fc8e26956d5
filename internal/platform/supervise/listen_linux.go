package supervise

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// listens returns the TCP ports on which processes of the tree accept connections, sorted.
func (t *tree) listens() []int {
	return portsOf(slices.Concat(groupMembers(t.pgid), strays(t.pgid, markName+"="+t.mark)))
}

// portsOf returns the TCP ports on which processes accept connections, sorted; nil if the system does not tell.
func portsOf(pids []int) []int {
	sockets := map[string]bool{}
	known := false
	for _, pid := range pids {
		fds := filepath.Join("/proc", strconv.Itoa(pid), "fd")
		entries, err := os.ReadDir(fds)
		if err != nil {
			continue // it has ended, or is another user's
		}
		known = true
		for _, e := range entries {
			to, err := os.Readlink(filepath.Join(fds, e.Name()))
			if inode, ok := strings.CutPrefix(to, "socket:["); err == nil && ok {
				sockets[strings.TrimSuffix(inode, "]")] = true
			}
		}
	}
	if !known {
		return nil
	}
	ports := []int{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		ports = append(ports, listeners(table, sockets)...)
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

// listeners reads a table of the kernel (proc_net_tcp in its documentation) and returns the ports of those of sockets,
// by inode, that are in state LISTEN, on any address; of all sockets if sockets is nil.
func listeners(table string, sockets map[string]bool) []int {
	file, err := os.Open(table)
	if err != nil {
		return nil
	}
	defer file.Close()
	var ports []int
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text()) // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
		if len(fields) < 10 || fields[3] != "0A" || sockets != nil && !sockets[fields[9]] {
			continue
		}
		_, port, _ := strings.Cut(fields[1], ":")
		if n, err := strconv.ParseUint(port, 16, 16); err == nil {
			ports = append(ports, int(n))
		}
	}
	return ports
}

func groupMembers(pgid int) []int {
	return slices.DeleteFunc(processes(), func(pid int) bool {
		group, alive := statOf(pid)
		return group != pgid || !alive
	})
}
