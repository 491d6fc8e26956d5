package templatescmd

import (
	"context"
	"path/filepath"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/fsx"
	"github.com/ploomber/ploomber-cloud/internal/prompt"
	"github.com/ploomber/ploomber-cloud/internal/scaffold"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/internal/tier"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// projectType is the type of a model server.
const projectType = "docker"

// vllm creates a project that serves a language model.
func (o *Options) vllm(ctx context.Context) error {
	var missing []prompt.Question
	if o.Flags.Model == "" {
		missing = append(missing, whichModel())
	}
	if o.DeployNow == nil {
		missing = append(missing, mayDeploy())
	}
	if err := o.Ask.Expect(ctx, missing...); err != nil {
		return err
	}
	left, err := o.unfinished()
	if err != nil {
		return err
	}
	if err := o.writable(); err != nil { // before a project is created
		return err
	}
	model, token, err := o.chooseModel(ctx)
	if err != nil {
		return err
	}
	env, err := o.secrets(left.env, token)
	if err != nil {
		return err
	}
	api, err := o.Connect()
	if err != nil {
		return err
	}
	id := left.id
	if id == "" {
		created, err := api.CreateProject(ctx, projectType)
		if err != nil {
			return err
		}
		id = created.ID
	} else {
		if err := left.check(model); err != nil {
			return err
		}
		o.IO.Err.Note("Completing the project %s, some of whose files are missing", id)
	}
	c := configOf(id)
	c.Base = left.files[project.FileName]
	if err := o.write(c, env, model); err != nil {
		return failure.Failedf("the project %s was created, but its files could not be written: %w", c.ID, err)
	}
	o.IO.Err.Note("API KEY saved to %s", o.Folder.EnvPath())
	o.IO.Err.Note("Dockerfile, requirements.txt and test-vllm.py created. Once the model is served, run 'python test-vllm.py'.")
	err = o.IO.Result(struct {
		ID    string `json:"id"`
		Model string `json:"model"`
	}{c.ID, model}, func(out *term.Stream) {
		out.Println(out.Green("Your app '" + c.ID + "' has been configured successfully!"))
	})
	if err != nil {
		return err
	}
	return o.deployNow(ctx)
}

func whichModel() prompt.Question {
	return prompt.Question{
		Label: "Model to serve via vLLM", Default: scaffold.DefaultModel, Flag: "--model", Check: scaffold.CheckModel,
	}
}

func mayDeploy() prompt.Question {
	return prompt.Question{Label: "Do you want to deploy now?", Flag: "--deploy or --deploy=false"}
}

// chooseModel prompts until the model host knows the model, and for a token if it needs one.
func (o *Options) chooseModel(ctx context.Context) (model, token string, err error) {
	model = o.Flags.Model
	for {
		if model == "" {
			if model, err = o.Ask.Text(ctx, whichModel()); err != nil {
				return "", "", err
			}
		} else if err := scaffold.CheckModel(model); err != nil {
			return "", "", failure.Failedf("--model %s: %w", model, err)
		}
		state, err := o.Model(ctx, model, "")
		switch {
		case err != nil:
			return "", "", err
		case state == Usable:
			return model, "", nil
		case state == Gated:
			token, err = o.askToken(ctx, model)
			return model, token, err
		case o.Flags.Model != "":
			return "", "", failure.Failedf("model not found: %s", model)
		}
		o.IO.Err.Note("Model %s not found, please try again.", model)
		model = ""
	}
}

func (o *Options) askToken(ctx context.Context, model string) (token string, err error) {
	o.IO.Err.Note("Model %s is gated: it needs an %s", model, scaffold.HFToken)
	for {
		token = o.token
		if token == "" {
			token, _ = o.Environ(scaffold.HFToken)
		}
		given := token != ""
		if !given {
			if token, err = o.Ask.Secret(ctx, prompt.Question{Label: "Enter your " + scaffold.HFToken, Flag: "--hf-token-stdin"}); err != nil {
				return "", err
			}
		}
		state, err := o.Model(ctx, model, token)
		switch {
		case err != nil:
			return "", err
		case state == Usable:
			return token, nil
		case given:
			return "", failure.Failedf("the token does not give access to the model %s", model)
		}
		o.IO.Err.Note("The token does not give access to the model %s, please try again.", model)
	}
}

// secrets completes the secrets file: a new key unless it has one, and the token if there is one.
func (o *Options) secrets(env flow.Env, token string) (flow.Env, error) {
	if stored, _ := env.Get(scaffold.VLLMKey, nil); stored == "" {
		key, err := scaffold.NewSecret(o.Random)
		if err != nil {
			return env, err
		}
		if err := env.Set(scaffold.VLLMKey, key); err != nil {
			return env, err
		}
	}
	if token != "" {
		if err := env.Set(scaffold.HFToken, token); err != nil {
			return env, failure.Failedf("cannot store the token: %w", err)
		}
	}
	return env, nil
}

// configOf is the configuration of a model server.
func configOf(id string) *project.Config {
	return &project.Config{
		ID: id, Type: projectType,
		Resources: &project.Resources{CPU: tier.GPUMachineCPU, RAM: tier.GPUMachineRAM, GPU: 1},
	}
}

// writable checks that the files can be made.
func (o *Options) writable() error {
	paths := []string{filepath.Join(o.Folder.Dir, project.FileName), filepath.Join(o.Folder.Dir, flow.EnvName)}
	for _, f := range scaffold.VLLM("", "") {
		paths = append(paths, filepath.Join(o.Folder.Dir, f.Name))
	}
	return fsx.Check(paths...)
}

// write writes the files, the configuration first: it connects the folder to the created project, so that a run
// that was killed halfway can be repeated for the same project.
func (o *Options) write(c *project.Config, env flow.Env, model string) error {
	folder := flow.Folder{Dir: o.Folder.Dir}
	config, err := folder.ConfigFile(c)
	if err != nil {
		return err
	}
	files := []fsx.File{config, env.Replacement()}
	for _, f := range scaffold.VLLM(model, c.ID) {
		files = append(files, fsx.File{Path: filepath.Join(o.Folder.Dir, f.Name), Data: f.Data, Mode: fsx.Public})
	}
	return fsx.Replace(files...)
}

func (o *Options) deployNow(ctx context.Context) error {
	var yes bool
	if o.DeployNow != nil {
		yes = *o.DeployNow
	} else {
		var err error
		if yes, err = o.Ask.Confirm(ctx, mayDeploy(), true); err != nil {
			return err
		}
	}
	if !yes {
		o.IO.Err.Note("To deploy, run 'ploomber-cloud deploy'")
		return nil
	}
	if err := o.Deploy(ctx); err != nil {
		return err
	}
	o.IO.Err.Note("It takes about 12 minutes until the model is available.")
	return nil
}
