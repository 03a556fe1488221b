package caddyfile

import (
	"strings"
	"testing"
)

// apps begins a directive with a tenant in line 2; the lines added to it begin in line 4,
// within its block.
const apps = "dingtalk {\n\ttenant ding111 1001 {\n\t\tapp_key k\n"

func TestErrorsOfTenantsNameLineAndCure(t *testing.T) {
	const secret = "\t\tapp_secret " + secretText + "\n"
	for name, tt := range map[string]struct {
		lines string
		line  int
		words []string
	}{
		"no credential":              {"\t}\n}", 2, []string{"tenant ding111 1001", "add app_secret"}},
		"an unknown line":            {"\t\tapp_secrt x\n\t}\n}", 4, []string{`"app_secrt"`, "did you mean app_secret?"}},
		"a line of the directive":    {"\t\tendpoint /x\n\t}\n}", 4, []string{`"endpoint"`, "dingtalk itself"}},
		"a line twice":               {"\t\tapp_key k\n\t}\n}", 4, []string{"app_key is given twice"}},
		"a line without a value":     {"\t\thost\n\t}\n}", 4, []string{"host takes one or more"}},
		"a path without a slash":     {secret + "\t\tpath crm/*\n\t}\n}", 5, []string{"path", "write /crm/*"}},
		"a host with a port":         {secret + "\t\thost b.test:80\n\t}\n}", 5, []string{"host", "without scheme, port"}},
		"a habit":                    {"\t\tapp_secret '" + secretText + "'\n\t}\n}", 4, []string{"app_secret", "quotes"}},
		"two kinds of credential":    {secret + "\t\tcorp_secret x\n\t}\n}", 2, []string{"more than one kind"}},
		"the pair twice":             {secret + "\t}\n\ttenant ding111 1001 {\n\t\tcorp_secret x\n\t}\n}", 6, []string{"ding111 1001", "twice"}},
		"no agent_id":                {secret + "\t}\n\ttenant ding111 {\n\t}\n}", 6, []string{"corp_id and the agent_id"}},
		"no arguments":               {secret + "\t}\n\ttenant\n}", 6, []string{"corp_id and the agent_id"}},
		"three arguments":            {secret + "\t}\n\ttenant a 1 b\n}", 6, []string{"corp_id and the agent_id"}},
		"the pair the wrong way":     {secret + "\t}\n\ttenant 1001 ding111 {\n\t}\n}", 6, []string{"agent_id", "digits"}},
		"no block":                   {secret + "\t}\n\ttenant ding222 2001\n}", 6, []string{"ding222 2001", "no credential"}},
		"the pair of the directive":  {secret + "\t}\n\tapp_key k\n\tapp_secret s\n\tcorp_id ding111\n\tagent_id 1001\n}", 1, []string{"ding111 1001", "directive itself"}},
		"identifiers alone":          {secret + "\t}\n\tcorp_id ding9\n\tagent_id 9\n}", 1, []string{"without a credential"}},
		"oauth beside a suite":       {secret + "\t}\n\tsuite s9 {\n\t\tsuite_secret s\n\t\tsuite_ticket x\n\t}\n\tlogin {\n\t\toutside oauth\n\t}\n}", 1, []string{"login outside oauth", "suite s9"}},
		"a suite without a name":     {secret + "\t}\n\tsuite {\n\t}\n}", 6, []string{"suite takes the suite_key"}},
		"a suite without a secret":   {secret + "\t}\n\tsuite s9 {\n\t}\n}", 6, []string{"suite s9", "add suite_secret"}},
		"a suite without a token":    {secret + "\t}\n\tsuite s9 {\n\t\tsuite_secret " + secretText + "\n\t}\n}", 6, []string{"suite s9", "add token"}},
		"a corp_id within":           {"\t\tcorpid x\n\t}\n}", 4, []string{`"corpid" in tenant: it stands in the first line of its block: tenant <corp_id> <agent_id>`}},
		"a suite_key within":         {secret + "\t}\n\tsuite s9 {\n\t\tsuite_key x\n\t}\n}", 7, []string{`"suite_key" in suite: it stands in the first line of its block: suite <suite_key>`}},
		"a suite's unknown line":     {secret + "\t}\n\tsuite s9 {\n\t\taeskey x\n\t}\n}", 7, []string{"did you mean aes_key?"}},
		"an aes_key of 42":           {secret + "\t}\n\tsuite s9 {\n\t\taes_key " + secretText + strings.Repeat("a", 30) + "\n\t}\n}", 7, []string{"aes_key", "42 characters"}},
		"a callback without a slash": {secret + "\t}\n\tsuite s9 {\n\t\tcallback cb\n\t}\n}", 7, []string{"callback", "write /cb"}},
		"a suite twice":              {secret + "\t}\n\tsuite s9 {\n\t\tsuite_secret s\n\t\tsuite_ticket x\n\t}\n\tsuite s9 {\n\t\tsuite_secret s\n\t\tsuite_ticket x\n\t}\n}", 10, []string{"suite s9", "twice"}},
		"a callback of the endpoint": {secret + "\t}\n\tendpoint /d\n\tsuite s9 {\n\t\tsuite_secret s\n\t\ttoken t\n\t\taes_key Yue0EfdN5900c1ce5cf6A152c63DDe1808a60c5ecd7\n\t\tcallback /d/callback\n\t}\n}", 1, []string{"callback", "leave out the line"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse(t, apps+tt.lines)
			fails(t, err, tt.line, tt.words...)
		})
	}
}
