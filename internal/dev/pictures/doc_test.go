// Package pictures takes the screenshot of the README: 'go run ./internal/dev pictures --only login'. Without that its tests
// only check that every picture that the pages show is there, small and up to date.
package pictures
