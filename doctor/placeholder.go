package doctor

import "regexp"

// source matches a placeholder that has its value from outside.
var source = regexp.MustCompile(`\{(env|file)\.([^{}]+)\}`)

// Fill says how the placeholder that a text names comes by a value.
func Fill(text string) Text {
	switch named := source.FindStringSubmatch(text); {
	case named == nil:
		return Hint("write {env.NAME} or {file./path}, and set the variable or fill the file before Caddy starts")
	case named[1] == "env":
		return Hint("set the variable %s before Caddy starts", named[2])
	default:
		return Hint("fill the file %s before Caddy starts", named[2])
	}
}
