package main

import "context"

// picturesTask takes the screenshots. They are taken by a test, since what drives the browser is there for tests.
func picturesTask(ctx context.Context, w *workspace, _ []string) error {
	if _, err := w.installTools(ctx, systemTools("streamlit")); err != nil {
		return err
	}
	return w.run(ctx, nil, "go", "test", "-count=1", "-run", "TestLoginPicture", "./internal/dev/pictures", "-write")
}
