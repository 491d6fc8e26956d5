package authproxy

// WaitForRenewals waits for the renewals of tokens that are under way for what is open.
func (p *Proxy) WaitForRenewals() { p.auth.WaitForRenewals() }
