//go:build libraries

package main

// The libraries of the command line, of which nothing is called: what they cost at the start.
import (
	_ "github.com/AlecAivazis/survey/v2"
	_ "github.com/fatih/color"
	_ "github.com/go-resty/resty/v2"
	_ "github.com/joho/godotenv"
)
