package caddyfile

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/internal/testsite/language"
)

// A cure is what a reader does who takes a message at its word: to the line that the
// message names, or with a whole to all of the text.
type cure struct {
	says  string // a part of the message, as a regular expression
	line  func(line string, said []string) string
	whole func(text string, number int, said []string) string
}

// cures are asked in this order: the first whose words a message has is followed.
var cures = []cure{
	{says: `without =: did you mean (\w+)\?`, whole: func(text string, number int, said []string) string {
		return renamed(strings.Replace(text, "=", " ", 1), number, said[1])
	}},
	{says: `did you mean (\w+)\?`, whole: func(text string, number int, said []string) string { return renamed(text, number, said[1]) }},
	{says: `the console's Client ID is (\w+)`, whole: func(text string, number int, said []string) string { return renamed(text, number, said[1]) }},
	{says: `comments begin with #`, line: func(line string, _ []string) string {
		return regexp.MustCompile(`(//|--)`).ReplaceAllString(line, "#")
	}},
	{says: `write it without ([=:：])`, line: func(line string, said []string) string { return strings.Replace(line, said[1]+" ", "", 1) }},
	{says: `a Caddyfile has a space between name and value`, line: func(line string, _ []string) string { return strings.Replace(line, "=", "", 1) }},
	{says: `ends without ;`, line: func(line string, _ []string) string { return strings.TrimRight(line, "; ；") }},
	{says: `ends with a comma`, line: func(line string, _ []string) string { return strings.NewReplacer(",", "", "，", "").Replace(line) }},
	{says: `in quotes that belong to it: remove them`, line: func(line string, _ []string) string {
		return regexp.MustCompile("[`'\"“”「」]").ReplaceAllString(line, "")
	}},
	{says: `must be a path: write (\S+)$`, line: func(line string, said []string) string { return valued(line, said[1]) }},
	{says: `write (\{file\./\S+\})$`, line: func(line string, said []string) string { return valued(line, said[1]) }},
	{says: `write (\{file\.)/path\}, with its whole path`, line: func(line string, said []string) string {
		return valued(line, said[1]+os.Getenv("TEST_FOLDER")+"/"+filepath.Base(strings.Fields(line)[1])+"}")
	}},
	{says: `write host with the name of the host alone`, line: func(line string, _ []string) string {
		return "host " + regexp.MustCompile(`[\w-]+(\.[\w-]+)+`).FindString(line)
	}},
	{says: `write nothing but (\w+)`, line: func(line string, said []string) string {
		return said[1] + map[bool]string{true: " {"}[strings.HasSuffix(line, "{")]
	}},
	{says: `such as (jwt my-app), or leave out the line`, line: func(_ string, said []string) string { return said[1] }},
	{says: `must be one word of printable ASCII, such as (\S+)$`, line: func(line string, said []string) string { return valued(line, said[1]) }},
	{says: `put the value alone into its variable or file, without its name, braces and quotes|on or off: write the value itself|copy the secret, which stands below it|which stands above it`, line: func(line string, _ []string) string {
		return valued(line, rightOf(line))
	}},
	{says: `write \*, a path that begins with / or a named matcher @name`, line: func(line string, _ []string) string {
		words := strings.Fields(line)
		words[1] = "*"
		return strings.Join(words, " ")
	}},
	{says: `rules stand in a block`, line: func(line string, _ []string) string {
		words := strings.Fields(line)
		return words[0] + " {\n" + strings.Join(words[1:], " ") + "\n}"
	}},
	{says: `such as (b\.example\.com|h5\.example\.com) or`, line: func(line string, said []string) string { return valued(line, said[1]) }},
	{says: `write (storage file_system) with a folder`, line: func(_ string, said []string) string { return said[1] + " {env.TEST_FOLDER}" }},
	{says: `takes exactly one argument: write (\w+)$`, line: func(line string, said []string) string { return valued(line, said[1]) }},
	{says: `such as (/crm/\*|/ding/callback)$`, line: func(line string, said []string) string { return valued(line, said[1]) }},
	{says: `it belongs to dingtalk itself: write it behind the (\}) that closes this block`, whole: moved},
	{says: `it belongs into the block of \w+`, whole: func(text string, number int, _ []string) string { return without(text, number) }},
	{says: `write it beside dingtalk|reverse_proxy beside dingtalk|robots stand in the global options`, whole: func(text string, number int, _ []string) string {
		return without(text, number)
	}},
	{says: `write its value behind it`, line: func(line string, _ []string) string { return valued(line, rightOf(line)) }},
	{says: `keep one; a comment begins with #`, line: func(line string, _ []string) string { return strings.Join(strings.Fields(line)[:2], " ") }},
	{says: `without braces around it: write (\{env\.)NAME\}`, line: func(line string, said []string) string {
		return valued(line, said[1]+strings.TrimPrefix(strings.Fields(line)[1], "env.")+"}")
	}},
	{says: `write \{env\.NAME\}$`, line: func(line string, _ []string) string { return valued(line, "{env.TEST_RIGHT}") }},
	{says: `type it anew|must be digits: copy|copy it from the DingTalk developer console`, line: func(line string, _ []string) string {
		return valued(line, rightOf(line))
	}},
	{says: `write the value itself`, line: func(line string, _ []string) string { return strings.NewReplacer("<", "", ">", "").Replace(line) }},
	{says: `keep what stands behind the =`, line: func(line string, _ []string) string { return valued(line, line[strings.Index(line, "=")+1:]) }},
	{says: `leave out the line`, line: func(string, []string) string { return "" }},
	{says: `such as (X-Forwarded-Port);`, line: func(line string, said []string) string { return valued(line, said[1]) }},
	{says: `it belongs in the global options, at the top of the Caddyfile: (servers \{ .* \})`, line: func(string, []string) string { return "" }},
	{says: `must be written without (/v1\.0)`, line: func(line string, said []string) string { return strings.Replace(line, said[1], "", 1) }},
	{says: `must be (https://host) without /v1\.0|or //host/path, such as (\S+)`, line: func(line string, said []string) string { return valued(line, said[1]+said[2]) }},
	{says: `the line before it takes no block`, whole: func(text string, _ int, _ []string) string { return strings.Replace(text, " {\n}", "", 1) }},
	{says: `letters, digits and - \. _ ~, for it stands in a URL`, line: func(line string, _ []string) string { return valued(line, "0123456789abcdef0123456789abcdef") }},
	{says: `takes at most one argument, its token: write (\{env\.)NAME`, line: func(line string, said []string) string { return valued(line, said[1]+"TEST_TOKEN}") }},
	{says: `: remove it$`, line: func(string, []string) string { return "" }}, // of a list with one value the line
	{says: `use letters, digits and hyphens`, line: func(line string, _ []string) string { return strings.ReplaceAll(line, "_", "-") }},
	{says: `is given twice: keep one line`, line: func(string, []string) string { return "" }},
	{says: `must be written without dd\.: (\S+)$`, line: func(line string, said []string) string { return valued(line, said[1]) }},
	{says: `write the names with spaces between them, without commas, quotes or brackets`, line: func(line string, _ []string) string {
		return strings.NewReplacer(",", " ", "[", "", "]", "", `"`, "").Replace(line)
	}},
	{says: `must be (0) \(app\)|write (0) or 1|must be one of (\w+)|write for example (\w+)|such as (2s|/\.dingtalk)$`, line: func(line string, said []string) string {
		return valued(line, strings.Join(said[1:], ""))
	}},
	{says: `must end after the host and port, without a path`, line: func(line string, _ []string) string { return strings.Replace(line, "/app", "", 1) }},
	{says: `it must begin with http:// or (https://)`, line: func(line string, said []string) string {
		name, value, _ := strings.Cut(line, " ")
		return name + " " + said[1] + value
	}},
	{says: `for example: (storage \S+ )`, line: func(_ string, said []string) string { return said[1] + "{env.TEST_FOLDER}" }},
	{says: `keep app_key with app_secret`, whole: func(text string, _ int, _ []string) string {
		return regexp.MustCompile(`(?m)^(corp|channel)_secret .*$`).ReplaceAllString(text, "")
	}},
}

// others are values that are right in lines that a directive need not have.
var others = map[string]string{
	"endpoint": "/x", "type": "0", "ticket_wait": "1s", "corp_secret": secretText, "public_origin": "https://a.test", "token": "t", "js_api_list": "a.b",
	"aes_key": "Yue0EfdN5900c1ce5cf6A152c63DDe1808a60c5ecd7", "suite_secret": secretText, "key": strings.Repeat("k", 32), "user": "u1", "host": "b.test", "jwt": "my-app",
}

// rightOf is the value that would be right in a line.
func rightOf(line string) string {
	name := strings.Fields(line)[0]
	return cmp.Or(right[name], others[name])
}

// without takes a line away, and the block that it begins.
func without(text string, number int) string {
	lines := strings.Split(text, "\n")
	end := number
	if strings.HasSuffix(lines[number-1], "{") {
		for strings.TrimSpace(lines[end]) != "}" {
			end++
		}
		end++
	}
	return strings.Join(append(lines[:number-1:number-1], lines[end:]...), "\n")
}

// moved closes the block before a line, and takes the brace away that closed it before.
func moved(text string, number int, _ []string) string {
	lines := strings.Split(text, "\n")
	lines[number-1] = "}\n" + lines[number-1]
	return strings.Join(lines[:len(lines)-2], "\n")
}

// valued writes another value behind a line's name.
func valued(line, value string) string {
	return strings.Fields(line)[0] + " " + value
}

// renamed gives a line the name that was meant: it is the line that the others lack.
func renamed(text string, number int, name string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if words := strings.Fields(line); i == number-1 {
			lines[i] = name + " " + strings.Join(words[1:], " ")
		} else if len(words) > 0 && words[0] == name {
			lines[i] = ""
		}
	}
	return strings.Join(lines, "\n")
}

// follow does what a message says.
func follow(t *testing.T, text, message string) string {
	t.Helper()
	place := regexp.MustCompile(`, at Caddyfile:(\d+)$`).FindStringSubmatch(message)
	if place == nil {
		t.Fatalf("names no line: %s", message)
	}
	number, _ := strconv.Atoi(place[1])
	message = strings.TrimSuffix(message, place[0])
	for _, c := range cures {
		said := regexp.MustCompile(c.says).FindStringSubmatch(message)
		switch {
		case said == nil:
			continue
		case c.whole != nil:
			return c.whole(text, number, said)
		}
		lines := strings.Split(text, "\n")
		lines[number-1] = c.line(strings.TrimSpace(lines[number-1]), said)
		return strings.Join(lines, "\n")
	}
	t.Fatalf("says nothing that could be done: %s", message)
	return ""
}

// TestNoCureLeadsToAnotherMistake: whoever does what the message says, in the line that
// it names, has a directive that is right.
func TestNoCureLeadsToAnotherMistake(t *testing.T) {
	texts := make(map[string]string)
	for name, habit := range habitual {
		for field := range right {
			value := strings.ReplaceAll(habit.value, "VALUE", right[field])
			texts[name+" in "+field] = directive(map[string]string{field: value})
		}
	}
	for name, m := range fieldMistakes {
		texts[name] = directive(map[string]string{m.field: m.value})
	}
	for name, m := range mistakes {
		texts[name] = base + m.add + "\n}\n"
	}
	for _, name := range []string{
		// The words are Caddy's and those of its storages.
		"a storage that is unknown", "a module that is no storage", "a storage that is set up badly",
		// The README is not part of this test.
		"something else", "something short",
		// Caddy takes it for two values, the second of them right by chance.
		"a space that does not break in app_key", "a space that does not break in app_secret",
		"a space that does not break in corp_id", "a space that does not break in agent_id",
		// A value of two lines moves the others.
		"a secret of two lines",
		// These are two mistakes each: beside app_secret.
		"a secret without a value", "a secret with two values",
	} {
		if _, there := texts[name]; !there {
			t.Errorf("there is no %q", name)
		}
		delete(texts, name)
	}
	if len(texts) < 60 {
		t.Errorf("%d mistakes", len(texts))
	}
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TEST_TOKEN", "0123456789abcdef0123456789abcdef")
			t.Setenv("TEST_FOLDER", t.TempDir())
			for field, value := range right {
				if strings.Contains(name, " in "+field) {
					t.Setenv("TEST_RIGHT", value)
				}
			}
			first := accept(t, text)
			if first == nil {
				t.Fatalf("is no mistake:\n%s", text)
			}
			for _, told := range []error{first, errors.New("adapting config using caddyfile: parsing caddyfile tokens for 'dingtalk': " + first.Error())} { // as Caddy passes it on
				if zh := doctor.Of(told).ZH; language.English(zh) != "" {
					t.Errorf("%q is English: %s", language.English(zh), zh)
				}
			}
			cured := follow(t, text, first.Error())
			if err := accept(t, cured); err != nil {
				t.Errorf("the message: %v\nwhoever follows it writes\n%s\nand is told: %v", first, cured, err)
			}
		})
	}
}

// TestWhoeverAddsWhatTheMessagesNameHasADirectiveInTheEnd begins with nothing: what is
// missing is told one after the other.
func TestWhoeverAddsWhatTheMessagesNameHasADirectiveInTheEnd(t *testing.T) {
	t.Setenv("DINGTALK_APP_KEY", right["app_key"])
	t.Setenv("DINGTALK_APP_SECRET", right["app_secret"])
	for name, lines := range map[string]string{
		"nothing": "", "an app_key": "\tapp_key dingkey\n", "an app_secret": "\tapp_secret " + secretText + "\n",
		"the rest": "\tcorp_id ding1\n\tagent_id 1\n", "another login": "\tcorp_secret " + secretText + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			var told []string
			for len(told) < 5 {
				err := accept(t, "dingtalk {\n"+lines+"}\n")
				if err == nil {
					return
				}
				told = append(told, err.Error())
				added := regexp.MustCompile(`: add (\w+)(?: and (\w+))?(?: (\{env\.\w+\}))?`).FindStringSubmatch(err.Error())
				if added == nil {
					t.Fatalf("names nothing to add: %v", err)
				}
				for _, field := range added[1:3] {
					if value := right[field]; added[3] != "" && field != "" {
						lines += "\t" + field + " " + added[3] + "\n"
					} else if field != "" {
						lines += "\t" + field + " " + value + "\n"
					}
				}
			}
			t.Errorf("is never right: %q", told)
		})
	}
}

// TestWhoeverFillsThePlaceholderOfAMessageHasADirective: it names what has no value, or is
// no placeholder, and its cure is done.
func TestWhoeverFillsThePlaceholderOfAMessageHasADirective(t *testing.T) {
	told := regexp.MustCompile(`: (?:set the variable (\S+) before|fill the file (\S+) before|write \{env\.NAME\})`)
	for name, placeholder := range map[string]string{
		"a variable that is not set":         "{env.TEST_UNSET}",
		"a variable that is empty":           "{env.TEST_EMPTY}",
		"a variable of spaces":               "{env.TEST_SPACES}",
		"a file that is not there":           "{file.FOLDER/none}",
		"a file that is empty":               "{file.FOLDER/empty}",
		"a placeholder that there is not":    "{secret.app}",
		"a placeholder of requests":          "{http.request.host}",
		"a placeholder that does not end":    "{env.TEST_UNSET",
		"a placeholder as of other programs": "{{env.TEST_UNSET}}",
	} {
		for field, value := range right {
			t.Run(name+" in "+field, func(t *testing.T) {
				folder := t.TempDir()
				if err := os.WriteFile(filepath.Join(folder, "empty"), nil, 0o600); err != nil {
					t.Fatal(err)
				}
				t.Setenv("TEST_EMPTY", "")
				t.Setenv("TEST_SPACES", "  ")
				text := directive(map[string]string{field: strings.Replace(placeholder, "FOLDER", folder, 1)})
				err := accept(t, text)
				mistaken(t, name, err, field)
				switch m := told.FindStringSubmatch(err.Error()); {
				case m == nil:
					t.Fatalf("says nothing that could be done: %v", err)
				case m[1] != "":
					t.Setenv(m[1], value)
				case m[2] != "":
					if err := os.WriteFile(m[2], []byte(value+"\n"), 0o600); err != nil {
						t.Fatal(err)
					}
				default:
					t.Setenv("TEST_RIGHT", value)
					text = directive(map[string]string{field: "{env.TEST_RIGHT}"})
				}
				if again := accept(t, text); again != nil {
					t.Errorf("the message: %v\nwhoever follows it is told: %v", err, again)
				}
			})
		}
	}
}
