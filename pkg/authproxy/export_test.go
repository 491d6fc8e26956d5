package authproxy

// Renewing reports whether tokens are being renewed for what is open.
func (p *Proxy) Renewing() bool {
	p.renewing.mu.Lock()
	defer p.renewing.mu.Unlock()
	return len(p.renewing.keys) > 0
}

// MaxReturns is how many addresses of logins under way are kept.
const MaxReturns = maxReturns

// Returns counts the addresses of logins under way that are kept.
func (p *Proxy) Returns() int {
	return p.returns.kept.Len()
}
