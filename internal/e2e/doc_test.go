// Package e2e drives the program that users run, as a process: "ploomber-cloud proxy" between a client and an app,
// with a provider that others have written and, in the tests whose names begin with TestFramework and TestBrowser, real
// frameworks and a real browser. It holds nothing but tests. They must not know how the program works inside: they see what a
// client, an app, a provider and an operator see.
//
// Tests need Node.js for the provider and Chromium for pages; where one is missing they are skipped, or fail with
// PLOOMBER_TEST_REQUIRE set. PLOOMBER_TEST_FRAMEWORKS names the frameworks, separated by commas, or "all"; unset
// means none.
package e2e
