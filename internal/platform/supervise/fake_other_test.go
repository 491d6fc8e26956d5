//go:build !unix

package supervise

func systemApps() map[string]func() { return nil }
