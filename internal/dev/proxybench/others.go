package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// Names of the doors of the other contestants.
const (
	caddyBasic = "caddy `basicauth`, bcrypt, cached"
	nodeOIDC   = "express-openid-connect, session cookie"
)

func (b *bench) startCaddy(ctx context.Context, upstream string) (*proxy, error) {
	dir, err := os.MkdirTemp(b.dir, "caddy-")
	if err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(b.who.password), bcryptCost)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "Caddyfile")
	text := fmt.Sprintf("{\n\tadmin off\n\tauto_https off\n}\nhttp://%s {\n\tbind 127.0.0.1\n\tbasicauth {\n\t\t%s %s\n\t}\n\treverse_proxy %s\n}\n",
		address, b.who.name, hash, upstream)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	env := []string{"GOMAXPROCS=1", "HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "XDG_DATA_HOME=" + dir}
	run, err := b.launch(proxyCore, dir, env, "caddy", "run", "--config", file, "--adapter", "caddyfile")
	if err != nil {
		return nil, err
	}
	if err := run.await(ctx, address); err != nil {
		return nil, errors.Join(err, run.stop())
	}
	return &proxy{run, []door{{caddyBasic, address, b.who.basic(), run.Pid}}}, nil
}

// startNode starts express-openid-connect in front of http-proxy, and logs in at an OpenID provider, which is
// needed for that alone.
func (b *bench) startNode(ctx context.Context, upstream string) (_ *proxy, err error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	provider, err := freeAddress()
	if err != nil {
		return nil, err
	}
	login, err := b.launch(loadCore, b.node, nil, "node", "provider.js", portOf(provider), "http://"+address)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, login.stop()) }()
	if err := login.await(ctx, provider); err != nil {
		return nil, err
	}
	env := []string{"NODE_ENV=production"}
	run, err := b.launch(proxyCore, b.node, env, "node", "proxy.js", portOf(address), portOf(provider), portOf(upstream))
	if err != nil {
		return nil, err
	}
	err = run.await(ctx, address)
	var cookie string
	if err == nil {
		cookie, err = nodeLogin(ctx, "http://"+address)
	}
	if err != nil {
		return nil, errors.Join(run.failed("lets nobody in", err), run.stop())
	}
	return &proxy{run, []door{{nodeOIDC, address, cookie, run.Pid}}}, nil
}

// nodeLogin goes the way of a browser: to the provider, which asks nothing, and back.
func nodeLogin(ctx context.Context, base string) (string, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return "", err
	}
	answer, err := ask(ctx, &http.Client{Jar: jar}, base+smallPath, "Accept: text/html")
	if err != nil {
		return "", err
	}
	if err := answer.Body.Close(); err != nil {
		return "", err
	}
	home, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	var session []*http.Cookie
	for _, c := range jar.Cookies(home) {
		if strings.HasPrefix(c.Name, "appSession") { // the provider's are in the jar, too: no port keeps them apart
			session = append(session, c)
		}
	}
	if len(session) == 0 {
		return "", fmt.Errorf("the login ends at %s with %s and no session", answer.Request.URL.Path, answer.Status)
	}
	return cookies(session), nil
}
