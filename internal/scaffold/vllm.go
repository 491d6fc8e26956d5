package scaffold

import (
	_ "embed"
	"errors"
	"strings"
)

// The variables of the vllm template.
const (
	VLLMKey = "VLLM_API_KEY"
	HFToken = "HF_TOKEN"
)

// DefaultModel is a small model that needs no token.
const DefaultModel = "facebook/opt-125m"

var (
	//go:embed vllm/Dockerfile
	vllmDockerfile string
	//go:embed vllm/requirements.txt
	vllmRequirements string
	//go:embed vllm/test-vllm.py
	vllmTest string
)

// CheckModel rejects invalid model names; a name becomes part of a URL and a Dockerfile.
func CheckModel(name string) error {
	for _, r := range name {
		plain := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./", r)
		if !plain {
			return errors.New("a model name may only contain letters, digits and - _ . /, such as " + DefaultModel)
		}
	}
	parts := strings.Split(name, "/")
	for _, p := range parts {
		if p == "" || p == "." || p == ".." || len(parts) > 2 {
			return errors.New("a model name looks like " + DefaultModel)
		}
	}
	return nil
}

// VLLM returns the files of a server for a model.
func VLLM(model, projectID string) []File {
	fill := strings.NewReplacer("{{MODEL}}", model, "{{PROJECT}}", projectID)
	var files []File
	for _, f := range []struct{ name, text string }{
		{"Dockerfile", vllmDockerfile}, {"requirements.txt", vllmRequirements}, {"test-vllm.py", vllmTest},
	} {
		files = append(files, File{f.name, []byte(fill.Replace(f.text))})
	}
	return files
}
