package bench

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Deploy times a deployment of a generated project of the given bytes, from the start of the program to its
// end, to a server on this machine that reads the upload and drops it. Before anything is timed it checks
// that both contestants send the same files.
func Deploy(ctx context.Context, out io.Writer, p Programs, size int64, rounds int) error {
	dir, err := os.MkdirTemp("", "bench-deploy-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	project, home := filepath.Join(dir, "project"), filepath.Join(dir, "home")
	if err := errors.Join(os.Mkdir(project, 0o755), os.Mkdir(home, 0o755), makeProject(project, size)); err != nil {
		return err
	}
	s, err := openSink()
	if err != nil {
		return err
	}
	defer s.close()
	env := environment(home, s.URL)
	programs := []string{p.Peer, p.Ours}
	if err := sameFiles(ctx, s, dir, project, env, programs); err != nil { // warms up, too
		return err
	}
	results := make([]costs, len(programs))
	for round := range rounds {
		for turn := range programs {
			who := (turn + round) % len(programs)
			s.expect(nil)
			start := time.Now()
			cost, err := measure(ctx, project, env, programs[who], "deploy")
			if err != nil {
				return err
			}
			up := s.seen()
			if up.size == 0 {
				return fmt.Errorf("%s uploaded nothing", programs[who])
			}
			r := &results[who]
			r.add(cost)
			r.size = append(r.size, float64(up.size))
			r.first = append(r.first, up.first.Sub(start).Seconds())
		}
	}
	peer, ours := results[0], results[1]
	fmt.Fprintf(out, "| %d MB, rounds: %d | wall | CPU | peak memory | archive | first byte of the body |\n", size/1e6, rounds)
	fmt.Fprintln(out, "| --- | --- | --- | --- | --- | --- |")
	for _, row := range []struct {
		name string
		c    costs
	}{{"Python tool", peer}, {"ours", ours}} {
		fmt.Fprintf(out, "| %s | %s | %s | %s | %s | %s |\n", row.name, seconds(row.c.wall), seconds(row.c.cpu),
			megabytes(row.c.peak), megabytes(row.c.size), seconds(row.c.first))
	}
	fmt.Fprintf(out, "| ours / Python tool | %s | %s | %s | %s | %s |\n", ours.wall.Over(peer.wall).Ratio(),
		ours.cpu.Over(peer.cpu).Ratio(), ours.peak.Over(peer.peak).Ratio(), ours.size.Over(peer.size).Ratio(),
		ours.first.Over(peer.first).Ratio())
	return nil
}

// sameFiles lets every contestant deploy once and compares the archives file by file.
func sameFiles(ctx context.Context, s *sink, dir, project string, env, programs []string) error {
	var want map[string]uint32
	for i, program := range programs {
		path := filepath.Join(dir, fmt.Sprintf("kept-%d.zip", i))
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		s.expect(f)
		_, err = measure(ctx, project, env, program, "deploy")
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
		got, err := contents(path)
		if err != nil {
			return fmt.Errorf("archive of %s: %w", program, err)
		}
		if i == 0 {
			want = got
		}
		if err := compare(want, got); err != nil {
			return fmt.Errorf("%s and %s do not send the same: %w", programs[0], program, err)
		}
	}
	return nil
}

// contents reads the checksums of the files of an archive. Folders do not count, and neither does .env, whose
// values are never in an archive: it is there empty or not at all.
func contents(path string) (map[string]uint32, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	sums := map[string]uint32{}
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		if f.Name == ".env" {
			if f.UncompressedSize64 > 0 {
				return nil, errors.New("it holds the values of .env")
			}
			continue
		}
		sums[f.Name] = f.CRC32
	}
	return sums, nil
}

func compare(want, got map[string]uint32) error {
	var wrong []string
	for name, sum := range want {
		if other, ok := got[name]; !ok || other != sum {
			wrong = append(wrong, name)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			wrong = append(wrong, name)
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%d files differ, such as %s", len(wrong), wrong[0])
	}
	return nil
}
