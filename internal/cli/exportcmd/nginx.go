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

// NginxFlags are those of 'export nginx'.
type NginxFlags struct {
	Upstream           string
	Listen, ServerName []string
	PasswordDir        string // as nginx sees it; "" for Dir
	Group              string // may read the password files; "" for nobody
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
		Long: "Write a server block and a password file for each protected feature, with which nginx asks for the\n" +
			"same passwords in the same places as 'ploomber-cloud up' does. nginx has no login page, no sessions\n" +
			"and no lock-out: where these matter, put 'ploomber-cloud proxy' between nginx and the app.",
		Example: "  ploomber-cloud export nginx --upstream http://127.0.0.1:8501\n" +
			"  ploomber-cloud export nginx --server-name app.example.com --listen 80 --listen '[::]:80'\n" +
			"  ploomber-cloud export nginx --password-dir /etc/nginx/passwords      # nginx runs elsewhere\n" +
			"  sudo ploomber-cloud export nginx --dir /etc/nginx/conf.d --group www-data\n" +
			"  ploomber-cloud export nginx --stdout                                 # look at it first",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case o.Dir == "":
				return failure.Usagef("--dir must name a folder")
			case o.Stdout && (o.Force || o.Nginx.Group != "" || c.Flags().Changed("dir")):
				return failure.Usagef("--stdout writes no file, so --dir, --force and --group mean nothing with it")
			}
			return run(c.Context(), &o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.Nginx.Upstream, "upstream", "http://127.0.0.1:8501", "the app's `URL`, as nginx reaches it")
	f.StringArrayVar(&o.Nginx.Listen, "listen", []string{"80"}, "`PORT` or ADDRESS:PORT at which nginx listens (repeatable)")
	f.StringArrayVar(&o.Nginx.ServerName, "server-name", nil, "host `NAME` that is served (repeatable; default: that of AUTH_BASE_URL, else any)")
	f.StringVar(&o.Nginx.PasswordDir, "password-dir", "", "absolute `PATH` of the folder in which nginx finds the password files (default: that of --dir)")
	f.StringVar(&o.Nginx.Group, "group", "", "let the group `NAME` read the password files, such as www-data")
	flagset.OneOf(c, &o.Nginx.Hash, "hash", "how passwords are kept", export.Hashes())
	f.StringVar(&o.Dir, "dir", "nginx", "write the files to `FOLDER`")
	f.BoolVar(&o.Force, "force", false, "replace files that are there")
	f.BoolVar(&o.Stdout, "stdout", false, "print the server block and write nothing")
	f.StringVar(&o.Folder.EnvFile, "env-file", "", "`FILE` with the credentials (default: .env)")
	flagset.Config(c, &o.Folder.Config)
	return c
}

// nginxResult is what 'export nginx --json' prints.
type nginxResult struct {
	Files     []string `json:"files"`            // that were written, the server block first
	Protected []string `json:"protected"`        // what is guarded and how, in words
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

// nobody is no group.
const nobody = -1

func group(name string) (gid int, err error) {
	if name == "" {
		return nobody, nil
	}
	g, err := user.LookupGroup(name)
	if err != nil {
		return nobody, failure.Usagef("--group: there is no group %q here", name)
	}
	gid, err = strconv.Atoi(g.Gid)
	if err != nil { // as on Windows
		return nobody, failure.Usagef("--group: this system has no groups of files")
	}
	return gid, nil
}

// share lets a group read the password files.
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
			return failure.Failedf("%s is written, but cannot be given to the group %s: %w", filepath.Join(o.Dir, f.Name), o.Nginx.Group, fsx.Cause(err)).
				WithHint("run it as root, or as a member of that group")
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
		o.IO.Err.Note("nginx's workers must be able to read the password files: give them to their group with --group www-data (nginx in some systems), or by chgrp and chmod 640.")
	}
	if !local(o.Nginx.Listen) {
		o.IO.Err.Warn("passwords travel unencrypted until nginx has a certificate, for instance by 'certbot --nginx'")
	}
	o.IO.Err.Note("Then: nginx -t && nginx -s reload")
	return err
}

// local tells whether nobody but this machine can reach any of the listeners.
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
