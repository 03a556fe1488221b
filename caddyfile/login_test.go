package caddyfile

import (
	"strconv"
	"strings"
	"testing"
)

func TestErrorsOfLoginNameLineAndCure(t *testing.T) {
	tests := map[string]struct {
		lines string // of the block; the first stands in line 8
		line  int
		words []string
	}{
		"an unknown line":                {"\t\tpubic /a", 8, []string{`"pubic"`, "did you mean public"}},
		"an argument of login":           {"", 7, nil},
		"a line twice":                   {"\t\tdetail full\n\t\tdetail basic", 9, []string{"twice"}},
		"public without a matcher":       {"\t\tpublic", 8, []string{"public *"}},
		"public with what is no matcher": {"\t\tpublic assets", 8, []string{`"assets"`, "begins with /"}},
		"public with two":                {"\t\tpublic /a /b", 8, []string{`"/b"`, "a line for each"}},
		"public with rules":              {"\t\tpublic /a {\n\t\t\tadmin\n\t\t}", 9, []string{"write require"}},
		"a named matcher of no site":     {"\t\tpublic @a", 8, []string{"@a"}},
		"require with an unknown rule":   {"\t\trequire {\n\t\t\tgroup a\n\t\t}", 9, []string{`"group"`, "user, department and admin"}},
		"require with a rule twice":      {"\t\trequire {\n\t\t\tuser a\n\t\t\tuser b\n\t\t}", 10, []string{"twice"}},
		"a department that is a name":    {"\t\trequire {\n\t\t\tdepartment abc\n\t\t}", 9, []string{`"abc"`, "oa.dingtalk.com"}},
		"a department 0":                 {"\t\trequire {\n\t\t\tdepartment 0\n\t\t}", 8, []string{"department"}},
		"admin with a value":             {"\t\trequire {\n\t\t\tadmin yes\n\t\t}", 9, []string{`"yes"`}},
		"user without values":            {"\t\trequire {\n\t\t\tuser\n\t\t}", 9, []string{"one or more"}},
		"a line behind *":                {"\t\tpublic *\n\t\trequire /admin/*", 9, []string{"never reached", "put it first"}},
		"a line behind one for all":      {"\t\trequire\n\t\tpublic /a", 9, []string{"never reached"}},
		"an outside that is none":        {"\t\toutside qr", 8, []string{`"qr"`, "page, oauth"}},
		"a session that is too short":    {"\t\tsession 1m", 8, []string{"5m to 30d"}},
		"a session that is too long":     {"\t\tsession 31d", 8, []string{"5m to 30d"}},
		"a session that is no time":      {"\t\tsession x", 8, []string{`"x"`, "12h"}},
		"a session with a longer idle":   {"\t\tsession 12h 13h", 8, []string{"longer"}},
		"a session with three times":     {"\t\tsession 1h 1h 1h", 8, []string{"one or two"}},
		"a detail that is none":          {"\t\tdetail all", 8, []string{"basic, full"}},
		"a key of 31 characters":         {"\t\tkey " + strings.Repeat("k", 31), 8, []string{"key 1", "31", "openssl"}},
		"a key twice":                    {"\t\tkey " + strings.Repeat("k", 32) + " " + strings.Repeat("k", 32), 8, []string{"key 2"}},
		"key without a value":            {"\t\tkey", 8, []string{"{env.NAME}"}},
		"staff_app without a secret":     {"\t\tstaff_app dingstaff", 8, []string{"app_secret"}},
		"staff_app of no service window": {"\t\tstaff_app dingstaff " + strings.Repeat("k", 32), 2, []string{"channel_secret"}},
		"require with nginx's semicolon": {"\t\trequire /admin/*; {\n\t\t\tadmin\n\t\t}", 8, []string{"ends without ;"}},
		"public with nginx's semicolon":  {"\t\tpublic /assets/*;", 8, []string{"ends without ;"}},
		"a user with a comma behind it":  {"\t\trequire {\n\t\t\tuser u1, u2\n\t\t}", 8, []string{"comma"}},
		"users without spaces":           {"\t\trequire {\n\t\t\tuser u1,u2\n\t\t}", 8, []string{"spaces between"}},
		"all users":                      {"\t\trequire {\n\t\t\tuser *\n\t\t}", 8, []string{"no userid", "require without a block"}},
		"a user in quotes":               {"\t\trequire {\n\t\t\tuser 'u1'\n\t\t}", 8, []string{"quotes"}},
		"a jwt with nginx's semicolon":   {"\t\tjwt my-app;", 8, []string{"ends without ;"}},
		"a key that is a variable":       {"\t\tkey $LOGIN_SESSION_ENCRYPTION_KEY_0000001", 8, []string{"{env.NAME}"}},
		"a login_base without a scheme":  {"\t\tlogin_base login.example.com", 8, []string{"https://"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			text := base + "\tlogin {\n" + tt.lines + "\n\t}\n}\n"
			if tt.lines == "" {
				text = base + "\tlogin required\n}\n"
				tt.words = []string{`"required"`, "block"}
			}
			_, err := parse(t, text)
			if err == nil {
				t.Fatal("no error")
			}
			for _, word := range append(tt.words, "Caddyfile:"+strconv.Itoa(tt.line)) {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("the error lacks %q: %v", word, err)
				}
			}
			if strings.Contains(err.Error(), secretText) || strings.Contains(err.Error(), strings.Repeat("k", 31)) {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

func TestOAuthNeedsAnApp(t *testing.T) {
	_, err := parse(t, "dingtalk {\n\tcorp_secret x\n\tcorp_id ding1\n\tagent_id 1\n\tlogin {\n\t\toutside oauth\n\t}\n}\n")
	if err == nil || !strings.Contains(err.Error(), "app_key") {
		t.Error(err)
	}
}
