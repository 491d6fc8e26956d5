//go:build !linux

package attack

// cpu and rss are for Linux, where the kernel tells them in a file.
func (p *proxy) cpu() int64 { p.t.Skip("needs /proc"); return 0 }
func (p *proxy) rss() int64 { p.t.Skip("needs /proc"); return 0 }
