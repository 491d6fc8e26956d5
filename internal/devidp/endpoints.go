package devidp

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// The endpoints. The pages are below a path of their own, to which the session's cookie is limited: browsers send
// the cookies of one port to all others of the host, and the app need not see this one.
const (
	authorizePath = "/authorize"
	tokenPath     = "/oauth/token"
	userinfoPath  = "/userinfo"
	keysPath      = "/.well-known/jwks.json"
	pagesPath     = "/dev-login/"
	choosePath    = pagesPath + "choose"
	endPath       = pagesPath + "logout"
	stylePath     = pagesPath + "style.css"
	iconPath      = pagesPath + "icon.svg"
)

// endpoints are what the provider answers. What they are called with is checked by the library.
type endpoints struct {
	*op.Provider
	issuer string
	store  *store
	pages  *pages
	cookie string // name; of this port, as browsers do not tell ports apart
	now    func() time.Time
	log    *slog.Logger
}

func newEndpoints(issuer string, s *store, o Options) (http.Handler, error) {
	protocol, err := newProtocol(issuer, s, o.Random)
	if err != nil {
		return nil, err
	}
	at, err := url.Parse(issuer)
	if err != nil {
		return nil, err
	}
	e := &endpoints{Provider: protocol, issuer: issuer, store: s, pages: newPages(), cookie: "dev_login_" + at.Port(), now: o.Now, log: o.Log}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+oidc.DiscoveryEndpoint, func(w http.ResponseWriter, _ *http.Request) { op.Discover(w, e.document()) })
	mux.HandleFunc("GET "+keysPath, func(w http.ResponseWriter, r *http.Request) { op.Keys(w, r, s) })
	mux.HandleFunc("GET "+authorizePath, e.authorize)
	mux.HandleFunc("POST "+authorizePath, e.authorize)
	mux.HandleFunc("POST "+tokenPath, e.token)
	mux.HandleFunc("GET "+userinfoPath, func(w http.ResponseWriter, r *http.Request) { op.Userinfo(w, r, e) })
	mux.HandleFunc("GET "+choosePath, e.showChoice)
	mux.Handle("POST "+choosePath, http.NewCrossOriginProtection().Handler(http.HandlerFunc(e.choose)))
	mux.HandleFunc("GET "+endPath, e.end)
	mux.HandleFunc("POST "+endPath, e.end)
	mux.HandleFunc("GET "+stylePath, e.pages.file("style.css", "text/css; charset=utf-8"))
	mux.HandleFunc("GET "+iconPath, e.pages.file("icon.svg", "image/svg+xml"))
	return e.onlyHere(at.Host, op.NewIssuerInterceptor(protocol.IssuerFromRequest).Handler(mux)), nil
}

// onlyHere refuses requests under another name: a page elsewhere whose name suddenly means this machine would
// otherwise read our answers.
func (e *endpoints) onlyHere(host string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != host {
			http.Error(w, "this is the development login at "+host, http.StatusMisdirectedRequest)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// document says what is served, and nothing that the library could do besides.
func (e *endpoints) document() *oidc.DiscoveryConfiguration {
	return &oidc.DiscoveryConfiguration{
		Issuer:                            e.issuer,
		AuthorizationEndpoint:             e.issuer + authorizePath,
		TokenEndpoint:                     e.issuer + tokenPath,
		UserinfoEndpoint:                  e.issuer + userinfoPath,
		EndSessionEndpoint:                e.issuer + endPath,
		JwksURI:                           e.issuer + keysPath,
		ScopesSupported:                   []string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail, oidc.ScopeOfflineAccess, scopeGroups},
		ResponseTypesSupported:            []string{string(oidc.ResponseTypeCode)},
		ResponseModesSupported:            []string{string(oidc.ResponseModeQuery)},
		GrantTypesSupported:               grantTypes(),
		SubjectTypesSupported:             []string{"public"},
		IDTokenSigningAlgValuesSupported:  []string{"RS256"},
		TokenEndpointAuthMethodsSupported: []oidc.AuthMethod{oidc.AuthMethodBasic, oidc.AuthMethodPost},
		CodeChallengeMethodsSupported:     []oidc.CodeChallengeMethod{oidc.CodeChallengeMethodS256},
		ClaimsSupported: []string{"sub", "aud", "exp", "iat", "iss", "auth_time", "nonce", "at_hash", "azp", "sid",
			"name", "email", "email_verified", scopeGroups},
	}
}

// authorize leads to the page, or back with an error.
func (e *endpoints) authorize(w http.ResponseWriter, r *http.Request) {
	audience := r.FormValue("audience") // Auth0's, and unknown to the library
	if len(audience) > 1024 || strings.ContainsFunc(audience, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		http.Error(w, "the audience is too long or has a control character", http.StatusBadRequest)
		return
	}
	op.Authorize(w, r.WithContext(context.WithValue(r.Context(), audienceKey{}, audience)), e)
}
