package exportcmd

import (
	"context"
	"net"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/export"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/fsx"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

// NginxFlags are the flags of 'export nginx'.
type NginxFlags struct {
	Upstream           string
	Listen, ServerName []string
	PasswordDir        string // as nginx sees it; "" for the folder Dir
	Group              string // group that may read the password files; "" for none
	Hash               export.Hash
}

func newNginx(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = exportNginx
	}
	o.Nginx.Hash = export.Bcrypt
	c := &cobra.Command{
		Use:   "nginx",
		Short: "Write a server block and password files for nginx",
		Long: "Write a server block and a password file for each protected feature, so that nginx asks for the\n" +
			"same passwords in the same places as 'ploomber-cloud up' does. nginx has no login page, no sessions\n" +
			"and no lockout: if you need these, put 'ploomber-cloud proxy' between nginx and the app.",
		Example: "  ploomber-cloud export nginx --upstream http://127.0.0.1:8501\n" +
			"  ploomber-cloud export nginx --server-name app.example.com --listen 80 --listen '[::]:80'\n" +
			"  ploomber-cloud export nginx --password-dir /etc/nginx/passwords      # nginx runs elsewhere\n" +
			"  sudo ploomber-cloud export nginx --dir /etc/nginx/conf.d --group www-data\n" +
			"  ploomber-cloud export nginx --stdout                                 # print it only",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case o.Dir == "":
				return failure.Usagef("--dir must name a folder")
			case o.Stdout && (o.Force || o.Nginx.Group != "" || c.Flags().Changed("dir")):
				return failure.Usagef("--stdout writes no files; it cannot be combined with --dir, --force or --group")
			}
			return run(c.Context(), &o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.Nginx.Upstream, "upstream", "http://127.0.0.1:8501", "the app's `URL`, as nginx reaches it")
	f.StringArrayVar(&o.Nginx.Listen, "listen", []string{"80"}, "`PORT` or ADDRESS:PORT at which nginx listens (repeatable)")
	f.StringArrayVar(&o.Nginx.ServerName, "server-name", nil, "host `NAME` to serve (repeatable; default: the host of AUTH_BASE_URL, else any)")
	f.StringVar(&o.Nginx.PasswordDir, "password-dir", "", "absolute `PATH` of the folder in which nginx finds the password files (default: --dir)")
	f.StringVar(&o.Nginx.Group, "group", "", "let the group `NAME` read the password files, such as www-data")
	flagset.OneOf(c, &o.Nginx.Hash, "hash", "hash of the stored passwords", export.Hashes())
	f.StringVar(&o.Dir, "dir", "nginx", "write the files to `FOLDER`")
	f.BoolVar(&o.Force, "force", false, "replace existing files")
	f.BoolVar(&o.Stdout, "stdout", false, "print the server block and write nothing")
	f.StringVar(&o.Folder.EnvFile, "env-file", "", "`FILE` with the credentials (default: .env)")
	flagset.Config(c, &o.Folder.Config)
	return c
}

// nginxResult is what 'export nginx --json' prints.
type nginxResult struct {
	Files     []string `json:"files"`            // files written, the server block first
	Protected []string `json:"protected"`        // what is protected and how, in words
	Config    string   `json:"config,omitempty"` // with --stdout: the server block
}

func exportNginx(_ context.Context, o *Options) error {
	p, err := o.project()
	if err != nil {
		return err
	}
	dir, err := o.dir()
	if err != nil {
		return err
	}
	passwords := o.Nginx.PasswordDir
	if passwords == "" {
		passwords = filepath.ToSlash(dir)
	}
	gid, err := group(o.Nginx.Group)
	if err != nil {
		return err
	}
	files, err := export.Nginx(p, export.NginxOptions{
		Upstream: o.Nginx.Upstream, Listen: o.Nginx.Listen, ServerNames: o.Nginx.ServerName, PasswordDir: passwords, Hash: o.Nginx.Hash,
	})
	if err != nil {
		return explain(err)
	}
	r := nginxResult{Files: []string{}, Protected: protection(p.Login)}
	if o.Stdout {
		r.Config = string(files[0].Data)
		return o.IO.Result(r, func(out *term.Stream) { out.Printf("%s", r.Config) })
	}
	if r.Files, err = o.write(dir, files); err != nil {
		return err
	}
	if err := o.share(gid, dir, files); err != nil {
		return err
	}
	return o.showNginx(r)
}

// nobody stands for no group.
const nobody = -1

func group(name string) (gid int, err error) {
	if name == "" {
		return nobody, nil
	}
	g, err := user.LookupGroup(name)
	if err != nil {
		return nobody, failure.Usagef("--group: group %q does not exist on this machine", name)
	}
	gid, err = strconv.Atoi(g.Gid)
	if err != nil { // as on Windows
		return nobody, failure.Usagef("--group: files have no groups on this system")
	}
	return gid, nil
}

// share makes the password files readable for a group.
func (o *Options) share(gid int, dir string, files []export.File) error {
	if gid == nobody {
		return nil
	}
	for _, f := range files {
		if !f.Secret {
			continue
		}
		path := filepath.Join(dir, f.Name)
		err := os.Chown(path, -1, gid)
		if err == nil {
			err = os.Chmod(path, 0o640)
		}
		if err != nil {
			return failure.Failedf("%s was written, but its group cannot be changed to %s: %w", filepath.Join(o.Dir, f.Name), o.Nginx.Group, fsx.Cause(err)).
				WithHint("run the command as root, or as a member of that group")
		}
	}
	return nil
}

func (o *Options) showNginx(r nginxResult) error {
	err := o.IO.Result(r, func(out *term.Stream) {
		out.Println(out.Green("Written:"))
		for _, path := range r.Files {
			out.Println("  " + path)
		}
		for _, line := range r.Protected {
			out.Println(out.Faint("  " + line))
		}
	})
	if o.Nginx.Group == "" {
		o.IO.Err.Note("nginx's worker processes must be able to read the password files: set their group with --group www-data (on some systems nginx), or with chgrp and chmod 640.")
	}
	if !local(o.Nginx.Listen) {
		o.IO.Err.Warn("passwords are sent unencrypted until nginx has a certificate, for instance from 'certbot --nginx'")
	}
	o.IO.Err.Note("Next: nginx -t && nginx -s reload")
	return err
}

// local reports whether all listeners are reachable from this machine only.
func local(listen []string) bool {
	for _, address := range listen {
		host, _, err := net.SplitHostPort(address)
		addr, addrErr := netip.ParseAddr(strings.Trim(host, "[]"))
		if err != nil || addrErr != nil || !addr.IsLoopback() {
			return false
		}
	}
	return true
}
