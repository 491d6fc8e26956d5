//go:build unix

package bench

import (
	"os"
	"runtime"
	"syscall"
)

func peakMemory(p *os.ProcessState) int64 {
	usage, ok := p.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	peak := int64(usage.Maxrss) //nolint:unconvert // an int32 on systems of 32 bits
	if runtime.GOOS == "darwin" {
		return peak // bytes there, KiB elsewhere
	}
	return peak * 1024
}
