package main_test

import (
	"os"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/program"
)

var builds program.Builds

func TestMain(m *testing.M) { os.Exit(builds.Main(m)) }
