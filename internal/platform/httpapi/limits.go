package httpapi

import (
	"fmt"
	"math"
	"net/http"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/tier"
)

// maxArchive is the largest archive of the platform's owner, in bytes: as much as our client accepts of a download. The other
// tiers have less.
const maxArchive = 2_000 * tier.MB

// limits are what a user may do.
type limits struct {
	tier tier.Tier
	none bool // for the platform's owner
}

func limitsOf(u platform.User) limits {
	if u.Tier == platform.Owner {
		all := tier.All()
		return limits{tier: all[len(all)-1], none: true}
	}
	t, _ := tier.Named(string(u.Tier)) // the smallest for an unknown tier
	return limits{tier: t}
}

// projects is how many a user may have; 0 means no limit.
func (l limits) projects() int {
	if l.none {
		return 0
	}
	return l.tier.Projects
}

// archive is the size of the largest archive in bytes.
func (l limits) archive() int64 {
	if l.none {
		return maxArchive
	}
	return l.tier.MaxArchive
}

func (l limits) require(permissions ...tier.Permission) error {
	if l.none {
		return nil
	}
	if err := l.tier.Require(permissions...); err != nil {
		return refuse(http.StatusForbidden, "%v", err)
	}
	return nil
}

// resources checks the resources of an app. The Python tool looks for "Invalid Resource" in the refusal, and lists the choices.
func (l limits) resources(r platform.Resources) error {
	err := error(nil)
	switch {
	case r.CPU < 0.01 || r.CPU > 1024 || math.IsNaN(r.CPU) || r.RAM < 1 || r.RAM > 16_384 || r.GPU < 0 || r.GPU > 64:
		err = fmt.Errorf("%g CPU, %d GB RAM and %d GPU are not possible", r.CPU, r.RAM, r.GPU)
	case !l.none:
		err = l.tier.CheckResources(r.CPU, r.RAM, r.GPU)
	}
	if err != nil {
		return refuse(http.StatusBadRequest, "Invalid Resource: %v", err)
	}
	return nil
}
