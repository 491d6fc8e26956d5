package supervise

import "os/exec"

func startConfined(cmd *exec.Cmd, _ confinement) error { return cmd.Start() }
