package main

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// Names of nginx's doors; the report looks for them.
const (
	nginxPlain  = "nginx, no login"
	nginxSHA    = "nginx `auth_basic`, {SHA}"
	nginxAPR1   = "nginx `auth_basic`, apr1"
	nginxBcrypt = "nginx `auth_basic`, bcrypt cost 5"
)

// bcryptCost is the least that anybody would use: at 10 one request takes nginx's only worker for 50 ms.
const bcryptCost = 5

// hashes are the contents of the files of users, by door.
func hashes(ctx context.Context, who account) (map[string]string, error) {
	strong, err := bcrypt.GenerateFromPassword([]byte(who.password), bcryptCost)
	if err != nil {
		return nil, err
	}
	openssl := exec.CommandContext(ctx, "openssl", "passwd", "-apr1", "-stdin")
	openssl.Stdin = strings.NewReader(who.password)
	apr1, err := openssl.Output()
	if err != nil {
		return nil, fmt.Errorf("openssl: %w", err)
	}
	sum := sha1.Sum([]byte(who.password)) //nolint:gosec // what {SHA} is
	return map[string]string{
		nginxSHA:    "{SHA}" + base64.StdEncoding.EncodeToString(sum[:]),
		nginxAPR1:   strings.TrimSpace(string(apr1)),
		nginxBcrypt: string(strong),
	}, nil
}

// startNginx starts one nginx with a listener for each of the named doors.
func (b *bench) startNginx(names ...string) starter {
	return func(ctx context.Context, upstream string) (*proxy, error) {
		dir, err := os.MkdirTemp(b.dir, "nginx-")
		if err != nil {
			return nil, err
		}
		hashed, err := hashes(ctx, b.who)
		if err != nil {
			return nil, err
		}
		var servers strings.Builder
		p := &proxy{}
		for i, name := range names {
			address, err := freeAddress()
			if err != nil {
				return nil, err
			}
			d := door{name: name, address: address}
			login := ""
			if hash, ok := hashed[name]; ok {
				file := fmt.Sprintf("%s/users-%d", dir, i)
				if err := os.WriteFile(file, []byte(b.who.name+":"+hash+"\n"), 0o600); err != nil {
					return nil, err
				}
				login = fmt.Sprintf("auth_basic app; auth_basic_user_file %s;", file)
				d.header = b.who.basic()
			}
			fmt.Fprintf(&servers, nginxServer, address, login)
			p.doors = append(p.doors, d)
		}
		text := fmt.Sprintf(nginxProxy, upstream, servers.String())
		if p.process, err = b.runNginx(ctx, proxyCore, dir, text, p.doors[0].address); err != nil {
			return nil, err
		}
		for i := range p.doors {
			p.doors[i].root = p.Pid
		}
		return p, nil
	}
}

const nginxProxy = `
	map $http_upgrade $upgrading { default upgrade; '' ''; }
	upstream app { server %s; keepalive 512; keepalive_requests 1000000000; }
%s`

const nginxServer = `
	server {
		listen %s;
		%s
		location / {
			proxy_pass http://app;
			proxy_http_version 1.1;
			proxy_set_header Host $http_host;
			proxy_set_header Authorization "";
			proxy_set_header X-Forwarded-For $remote_addr;
			proxy_set_header X-Forwarded-Proto $scheme;
			proxy_set_header X-Forwarded-Host $http_host;
			proxy_set_header X-Auth-Name $remote_user;
			proxy_set_header Upgrade $http_upgrade;
			proxy_set_header Connection $upgrading;
			proxy_read_timeout 1h;
		}
	}
`

// runNginx starts nginx with one worker and what is given of the http block.
func (b *bench) runNginx(ctx context.Context, core int, dir, http, address string) (*process, error) {
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;" // else the worker may not read its files below a private folder
	}
	temp := ""
	for _, what := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temp += fmt.Sprintf("%s_temp_path %s/%s; ", what, dir, what)
	}
	text := fmt.Sprintf(`daemon off; worker_processes 1; worker_rlimit_nofile 16384; pid %s/pid; error_log stderr warn; %s
events { worker_connections 8192; }
http {
	access_log off; sendfile on; tcp_nopush on; keepalive_timeout 10m; keepalive_requests 1000000000;
	%s
	%s
}
`, dir, user, temp, http)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	p, err := b.launch(core, dir, nil, "nginx", "-e", "stderr", "-p", dir, "-c", file)
	if err != nil {
		return nil, err
	}
	if err := p.await(ctx, address); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}
