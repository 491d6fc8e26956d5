// Package pictures takes the screenshots of the README: 'go run ./internal/dev pictures'. Without that its test only looks
// whether every picture that the pages show is there and small.
package pictures
