package oidc_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails if looking for a provider, or waiting for one, leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
