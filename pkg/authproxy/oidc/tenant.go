package oidc

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// AnyTenant in place of a list of tenants says that accounts of all tenants may log in.
const AnyTenant = "any"

const (
	tenantMark = "{tenantid}" // stands for the tenant in the issuer that Entra ID announces for several
	consumers  = "9188040d-6c67-4c5b-b112-36a304b66dad"
)

// everyTenant are the names for many tenants in the path of an issuer of Entra ID.
func everyTenant() []string { return []string{"common", "organizations", "consumers"} }

// CheckTenants accepts a list of tenants' ids with commas between them, AnyTenant alone, and nothing at all.
func CheckTenants(list string) error {
	if list == "" || list == AnyTenant {
		return nil
	}
	for id := range strings.SplitSeq(list, ",") {
		if !isTenantID(id) {
			return fmt.Errorf("%q is not a tenant ID such as %s (in Entra ID: Overview, Tenant ID), nor %s alone", id, consumers, AnyTenant)
		}
	}
	return nil
}

// isTenantID recognises a GUID in lower case.
func isTenantID(id string) bool {
	const form = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
	if len(id) != len(form) {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if form[i] == '-' && c != '-' || form[i] == 'x' && (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// OfAllTenants reports whether an issuer is the one of Entra ID for accounts of more than one tenant.
func OfAllTenants(issuer string) bool {
	normal, err := NormalIssuer(issuer)
	if err != nil {
		return false
	}
	u, err := url.Parse(normal)
	if err != nil {
		return false
	}
	hosts := []string{"login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn", "login.windows.net", "login.microsoft.com"}
	_, ok := tenantsOf(normal)
	return ok && slices.Contains(hosts, u.Host)
}

// tenants is an issuer that differs for each tenant: the parts before and after its id.
type tenants struct{ before, after string }

// tenantsOf reads an issuer in its normal spelling, such as https://login.microsoftonline.com/common/v2.0; false where it
// does not name many tenants.
func tenantsOf(issuer string) (t tenants, ok bool) {
	u, err := url.Parse(issuer)
	if err != nil {
		return t, false
	}
	t.before = u.Scheme + "://" + u.Host + "/"
	name, rest, more := strings.Cut(strings.TrimPrefix(issuer, t.before), "/")
	if more {
		t.after = "/" + rest
	}
	return t, slices.Contains(everyTenant(), name)
}

// issuer is the issuer of one tenant.
func (t tenants) issuer(id string) string { return t.before + id + t.after }

// has reports whether an issuer belongs to some tenant.
func (t tenants) has(issuer string) bool {
	id, ok := strings.CutPrefix(strings.TrimRight(issuer, "/"), t.before)
	id, too := strings.CutSuffix(id, t.after)
	return ok && too && isTenantID(id)
}

// errTenants says what to configure. Otherwise any account at Entra ID, which anyone can create, would get access.
var errTenants = errors.New("it serves all tenants, and none has been chosen: set AUTH_TENANTS to the ids of those whose accounts may log in, or to " +
	AnyTenant + ", or use the issuer of one tenant")

// checkTenants accepts a document for many tenants where that is configured. ok is false for a document of one tenant.
func (m *metadata) checkTenants(issuer string, allowed bool) (ok bool, err error) {
	t, many := tenantsOf(issuer)
	switch announced := strings.TrimRight(m.Issuer, "/"); {
	case !many || announced != t.issuer(tenantMark) && (announced != t.issuer(consumers) || issuer != t.issuer("consumers")):
		return false, nil
	case !allowed:
		return true, errTenants
	case announced == t.issuer(tenantMark):
		m.tenants = &t
	}
	return true, nil
}

// issuerOf returns the issuer that a token with these claims must have. For many tenants it depends on the token's own
// tenant, which the access rules allow or not.
func (m *metadata) issuerOf(c claims) (string, error) {
	if m.tenants == nil {
		return m.Issuer, nil
	}
	id, err := c.text("tid")
	if err != nil || !isTenantID(id) {
		return "", fmt.Errorf("%w: it names no tenant (tid)", ErrToken)
	}
	return strings.Replace(m.Issuer, tenantMark, id, 1), nil
}
