package localcloud

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"runtime"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/platform/archive"
)

const (
	upkeepInterval  = time.Hour
	keptDeployments = 10        // of each project, to roll back to
	keptUploads     = time.Hour // archives that no deployment refers to: one may be about to be deployed
)

// keepHouse removes what nobody needs any more, at once and then regularly, until ctx ends.
func (p *Platform) keepHouse(ctx context.Context, archives *archive.Folder) {
	tick := time.NewTicker(upkeepInterval)
	defer tick.Stop()
	for {
		if err := p.clean(ctx, archives); err != nil && ctx.Err() == nil {
			p.o.Log.Warn("old files could not all be removed", slog.Any("error", err))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// clean removes deployments that are too old to roll back to, then archives, environments and folders that no deployment
// refers to.
func (p *Platform) clean(ctx context.Context, archives *archive.Folder) error {
	dropped, err := p.store.DropOld(ctx, keptDeployments)
	errs := []error{err}
	for _, d := range dropped {
		errs = append(errs, p.runner.discard(d))
	}
	referred, err := p.store.Archives(ctx)
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	if _, err := archives.Prune(referred, keptUploads); err != nil {
		errs = append(errs, err)
	}
	if !p.runner.builder.Hosting {
		return errors.Join(errs...) // others use its folder too
	}
	locks, err := p.store.Locks(ctx)
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	errs = append(errs, p.runner.builder.Collect(ctx, func(lock string) bool { return locks[lock] }))
	return errors.Join(errs...)
}

// removeOrphans ends and removes what the folders of a killed platform hold of deployments that the store does not have.
func (p *Platform) removeOrphans(ctx context.Context) error {
	entries, err := os.ReadDir(p.folder.join("apps"))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !platform.ValidDeploymentID(e.Name()) {
			continue
		}
		if _, err := p.store.Deployment(ctx, e.Name()); !errors.Is(err, platform.ErrNotFound) {
			if err != nil {
				return err
			}
			continue
		}
		d := platform.Deployment{ID: e.Name()}
		if instance, err := p.runner.Find(d); err == nil {
			instance.Stop(orphanGrace)
		}
		if err := p.runner.discard(d); err != nil {
			p.o.Log.Warn("files of a deleted deployment could not be removed", slog.Any("error", err))
		}
	}
	return p.removeOrphanData(ctx)
}

const orphanGrace = 2 * time.Second

// removeOrphanData removes the data of projects that were deleted when the platform was killed.
func (p *Platform) removeOrphanData(ctx context.Context) error {
	entries, err := os.ReadDir(p.folder.join("data"))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !platform.ValidProjectID(e.Name()) {
			continue
		}
		if _, err := p.store.Project(ctx, e.Name()); errors.Is(err, platform.ErrNotFound) {
			if err := os.RemoveAll(p.folder.data(e.Name())); err != nil {
				p.o.Log.Warn("data of a deleted project could not be removed", slog.Any("error", err))
			}
		} else if err != nil {
			return err
		}
	}
	return nil
}

// freezing says how apps of a framework may be frozen.
func freezing(f platform.Framework) platform.Freezing {
	recipe, _ := platform.RecipeFor(f, runtime.GOOS)
	return recipe.Freezes
}
