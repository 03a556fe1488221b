// Package language tells in which language a text is, for tests of what people read.
package language

import "regexp"

var (
	// english is a row of four words. Names, values and what others call things are shorter.
	english = regexp.MustCompile(`\b[a-z]+ [a-z]+ [a-z]+ [a-z]+\b`)
	// command is a line for a shell, which is the same in all languages.
	command = regexp.MustCompile(`sudo [^，；：。]*`)
)

// English returns a row of words that no Chinese text has, "" if there is none.
func English(text string) string { return english.FindString(command.ReplaceAllString(text, "")) }
