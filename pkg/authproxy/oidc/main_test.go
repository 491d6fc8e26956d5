package oidc_test

import (
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/leaktest"
)

// TestMain fails if looking for a provider, or waiting for one, leaves a goroutine behind.
func TestMain(m *testing.M) { leaktest.Main(m) }
