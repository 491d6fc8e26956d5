package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// ballast is a file that is removed when the disk is full.
const ballast = "ballast"

// fill submits deployments until the disk is full, frees some of it, and goes on. It prints what a test wants to be true.
func fill(ctx context.Context, s *Store) error {
	projects, err := s.Projects(ctx, "")
	if err != nil {
		return err
	}
	sub := submission(projects[0].ID)
	sub.Secrets.Variables = append(sub.Secrets.Variables, platform.Variable{Name: "BIG", Value: strings.Repeat("x", 10_000)})
	answered := 1
	for ; ; answered++ {
		if _, _, err = s.Submit(ctx, sub); err != nil {
			break
		}
	}
	var p *platform.Problem
	fmt.Println("a problem with the disk and a hint:", errors.As(err, &p) && p.Reason == platform.ReasonDisk && p.Hint != "")
	all, err := s.Deployments(ctx, projects[0].ID)
	if err != nil {
		return err
	}
	for _, d := range all {
		if _, err := s.Secrets(ctx, d.ID); err != nil {
			return err
		}
	}
	fmt.Println("what was answered is there:", len(all) == answered)
	if err := os.Remove(filepath.Join(filepath.Dir(s.path), ballast)); err != nil {
		return err
	}
	d, _, err := s.Submit(ctx, sub)
	fmt.Println("it goes on:", d.Number == answered+1 && err == nil)
	return s.Close()
}
