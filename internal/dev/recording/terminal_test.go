//go:build unix

package main

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// One script gives one picture, however the output comes in pieces and however often progress is drawn.
func TestRecord(t *testing.T) {
	t.Parallel()
	script := []step{
		{shows: prompt},
		{types: "read name", pause: 10, shows: "\n"},
		{types: "ana", shows: prompt},
		{types: `printf '1%%'; printf '\r2%%'; printf '\rhello %s\n' "$name"`, shows: prompt, pause: 1000},
	}
	var pictures [2][]byte
	for i := range pictures {
		shell := exec.Command("/bin/sh")
		shell.Env = []string{"PS1=" + prompt, "TERM=xterm"}
		frames, err := record(shell, script)
		if err != nil {
			t.Fatal(err)
		}
		pictures[i] = render(frames)
	}
	got := string(pictures[0])
	if !strings.Contains(got, ">hello ana</text>") {
		t.Errorf("the output is missing:\n%s", got)
	}
	if strings.Contains(got, ">1%</text>") || strings.Contains(got, ">2%</text>") {
		t.Error("progress that was overwritten is shown")
	}
	if !bytes.Equal(pictures[0], pictures[1]) {
		t.Errorf("two recordings of one script differ:\n%s\n%s", pictures[0], pictures[1])
	}
}

func TestRecordWithoutTheText(t *testing.T) {
	t.Parallel()
	shell := exec.Command("/bin/sh", "-c", "echo bye")
	if _, err := record(shell, []step{{shows: "hello"}}); err == nil || !strings.Contains(err.Error(), `not shown: "hello"`) {
		t.Errorf("error %v, want what was not shown", err)
	}
}
