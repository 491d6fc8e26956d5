// Package realtest installs, starts and looks at every example that is part of the program: the frameworks are
// real and the browser is real, only the proxy in front of the app is a small one of the tests. It holds nothing
// but tests, apart from those of the catalog because they need Python, R, Chromium and minutes.
//
// PLOOMBER_TEST_FRAMEWORKS names the frameworks, separated by commas, or "all"; unset means flask, which is
// light. With PLOOMBER_TEST_REQUIRE set a missing tool fails the test instead of skipping it. With
// PLOOMBER_TEST_SHOTS set to a folder, a picture of each page is left there.
package realtest
