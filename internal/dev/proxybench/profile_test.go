package main

import (
	"maps"
	"slices"
	"testing"
)

func TestParseTraces(t *testing.T) {
	t.Parallel()
	const text = `File: profiledproxy
Type: cpu
Duration: 10s, Total samples = 100ms (1.00%)
-----------+-------------------------------------------------------
      20ms   internal/runtime/syscall/linux.Syscall6
             syscall.RawSyscall6
             syscall.write
             net/http.checkConnErrorWriter.Write
-----------+-------------------------------------------------------
      20ms   internal/runtime/syscall/linux.Syscall6
             syscall.RawSyscall6
             github.com/ploomber/ploomber-cloud/pkg/authproxy/nowait.call
             github.com/ploomber/ploomber-cloud/pkg/authproxy/nowait.Write (inline)
             github.com/ploomber/ploomber-cloud/pkg/authproxy/upstream.(*socket).askNow
-----------+-------------------------------------------------------
      20ms   internal/runtime/syscall/linux.Syscall6
             syscall.RawSyscall6
             github.com/ploomber/ploomber-cloud/pkg/authproxy/nowait.call
             github.com/ploomber/ploomber-cloud/pkg/authproxy/nowait.Peek (inline)
             github.com/ploomber/ploomber-cloud/pkg/authproxy/upstream.(*socket).askNow
-----------+-------------------------------------------------------
      10ms   internal/runtime/syscall/linux.Syscall6
             internal/runtime/syscall/linux.EpollWait
             runtime.netpoll
-----------+-------------------------------------------------------
      10ms   runtime.memclrNoHeapPointers
             runtime.mallocgc
             net/http.readRequest
-----------+-------------------------------------------------------
      10ms   indexbytebody
             strings.Cut
             github.com/ploomber/ploomber-cloud/pkg/authproxy/upstream.cutLine (inline)
             github.com/ploomber/ploomber-cloud/pkg/authproxy.(*Proxy).forward
             net/http.(*conn).serve
-----------+-------------------------------------------------------
      10ms   runtime.mapaccess1_faststr
             github.com/ploomber/ploomber-cloud/pkg/authproxy.(*Proxy).identify
             net/http.(*conn).serve
-----------+-------------------------------------------------------
      90ms   golang.org/x/crypto/blowfish.encryptBlock
             golang.org/x/crypto/bcrypt.CompareHashAndPassword
             github.com/ploomber/ploomber-cloud/pkg/authproxy/password.(*verifier).check
-----------+-------------------------------------------------------
`
	got, err := parseTraces(text)
	want := []portion{
		{"kernel: writes", 0.4},
		{"kernel: looks at idle connections", 0.2},
		{"kernel: everything else, such as waiting", 0.1},
		{"memory: allocation and collection", 0.1},
		{"the way to the app and back (`upstream`)", 0.1},
		{"who asks and whether they may (`authproxy`)", 0.1},
	}
	if err != nil || !slices.EqualFunc(got, want, func(a, b portion) bool {
		return a.name == b.name && a.value-b.value < 1e-9 && b.value-a.value < 1e-9
	}) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if _, err := parseTraces("Type: cpu\n"); err == nil {
		t.Error("an empty profile has parts")
	}
}

func TestParseStrace(t *testing.T) {
	t.Parallel()
	got, err := parseStrace(`% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    1.500000          75     20000           write
 30.00    0.750000          18     40000     15000 read
------ ----------- ----------- --------- --------- ----------------
100.00    2.250000          37     60000     15000 total
`)
	if want := map[string]float64{"write": 20000, "read": 40000}; err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	if _, err := parseStrace("strace: attach: Operation not permitted\n"); err == nil {
		t.Error("counts where there are none")
	}
}
