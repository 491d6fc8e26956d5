package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
)

// Names of our doors.
const (
	oursSession   = "ploomber-cloud, session cookie"
	oursPasswords = "ploomber-cloud, password in each request"
)

// startOurs starts our program, which asks for a user name and a password, and logs in.
func (b *bench) startOurs(ctx context.Context, upstream string) (*proxy, error) {
	dir, err := os.MkdirTemp(b.dir, "ours-") // empty: no file of a project has a say
	if err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	env := append(b.oursEnv[:len(b.oursEnv):len(b.oursEnv)], "GOMAXPROCS=1", "username_main_app="+b.who.name, "password_main_app="+b.who.password)
	run, err := b.launch(proxyCore, dir, env, b.program, "proxy", "--upstream", "http://"+upstream, "--listen", address)
	if err != nil {
		return nil, err
	}
	p := &proxy{process: run}
	if err := run.await(ctx, address); err != nil {
		return nil, errors.Join(err, run.stop())
	}
	answer, err := ask(ctx, &http.Client{}, "http://"+address+smallPath, b.who.basic())
	if err == nil {
		err = answer.Body.Close()
	}
	if err == nil && len(answer.Cookies()) == 0 {
		err = fmt.Errorf("a login is answered %s without a cookie", answer.Status)
	}
	if err != nil {
		return nil, errors.Join(run.failed("lets nobody in", err), run.stop())
	}
	p.doors = []door{
		{oursSession, address, cookies(answer.Cookies()), run.Pid},
		{oursPasswords, address, b.who.basic(), run.Pid},
	}
	return p, nil
}
