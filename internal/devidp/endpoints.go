package devidp

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"time"
)

// The endpoints. The pages are below a path of their own, to which the session cookie is limited: browsers send
// cookies to all ports of a host, and the app need not see this one.
const (
	discoveryPath = "/.well-known/openid-configuration"
	keysPath      = "/.well-known/jwks.json"
	authorizePath = "/authorize"
	tokenPath     = "/oauth/token"
	userinfoPath  = "/userinfo"
	pagesPath     = "/dev-login/"
	choosePath    = pagesPath + "choose"
	logoutPath    = pagesPath + "logout"
	stylePath     = pagesPath + "style.css"
	iconPath      = pagesPath + "icon.svg"
)

// endpoints are what the provider serves.
type endpoints struct {
	issuer string
	secret string // of the application
	signer *signer
	store  *store
	pages  *pages
	cookie string // cookie name, specific to the port, since cookies are not separated by port
	now    func() time.Time
	log    *slog.Logger
}

// refusal is an error that the protocol has a name for: RFC 6749, sections 4.1.2.1 and 5.2.
type refusal struct{ code, description string }

func (r *refusal) Error() string { return r.code + ": " + r.description }

func (e *endpoints) handler() (http.Handler, error) {
	at, err := url.Parse(e.issuer)
	if err != nil {
		return nil, err
	}
	e.cookie = "dev_login_" + at.Port()
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+discoveryPath, func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, e.configuration()) })
	mux.HandleFunc("GET "+keysPath, func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, e.signer.public()) })
	mux.HandleFunc("GET "+authorizePath, e.authorize)
	mux.HandleFunc("POST "+authorizePath, e.authorize)
	mux.HandleFunc("POST "+tokenPath, e.token)
	mux.HandleFunc("GET "+userinfoPath, e.userinfo)
	mux.HandleFunc("GET "+choosePath, e.showChoice)
	mux.Handle("POST "+choosePath, http.NewCrossOriginProtection().Handler(http.HandlerFunc(e.choose)))
	mux.HandleFunc("GET "+logoutPath, e.logout)
	mux.HandleFunc("POST "+logoutPath, e.logout)
	mux.HandleFunc("GET "+stylePath, e.pages.file("style.css", "text/css; charset=utf-8"))
	mux.HandleFunc("GET "+iconPath, e.pages.file("icon.svg", "image/svg+xml"))
	return onlyHere(at.Host, mux), nil
}

// onlyHere rejects requests with another Host: otherwise a web page could read the responses by rebinding its DNS
// name to this machine.
func onlyHere(host string, next http.Handler) http.Handler {
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

// configuration says what is served: OpenID Connect Discovery 1.0, section 3.
func (e *endpoints) configuration() map[string]any {
	return map[string]any{
		"issuer":                                e.issuer,
		"authorization_endpoint":                e.issuer + authorizePath,
		"token_endpoint":                        e.issuer + tokenPath,
		"userinfo_endpoint":                     e.issuer + userinfoPath,
		"end_session_endpoint":                  e.issuer + logoutPath,
		"jwks_uri":                              e.issuer + keysPath,
		"scopes_supported":                      scopes(),
		"response_types_supported":              []string{"code"},
		"response_modes_supported":              []string{"query"},
		"grant_types_supported":                 []string{grantCode, grantRefresh},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{string(algorithm)},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
		"code_challenge_methods_supported":      []string{"S256"},
		"request_uri_parameter_supported":       false,
		"claims_supported": []string{"sub", "aud", "exp", "iat", "iss", "auth_time", "nonce", "at_hash", "azp", "sid",
			"name", "email", "email_verified", scopeGroups},
	}
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // a client that has gone needs no answer
}

// failed answers when we are at fault.
func (e *endpoints) failed(w http.ResponseWriter, err error) {
	e.log.Warn("dev login failed", "detail", err.Error())
	http.Error(w, "the development login has failed", http.StatusInternalServerError)
}
