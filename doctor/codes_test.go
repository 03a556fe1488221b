package doctor

import (
	"fmt"
	"strings"
	"testing"
)

func TestEveryCodeHasAMeaningAndACure(t *testing.T) {
	for code := 52010; code <= 52026; code++ {
		m, known := meanings[fmt.Sprint(code)]
		if !known {
			t.Errorf("%d is missing", code)
			continue
		}
		expectBoth(t, m.text)
		if code != 52013 { // which depends on the evidence
			expectBoth(t, m.cure)
		}
	}
	for _, w := range wordings {
		if _, known := meanings[w.code]; !known {
			t.Errorf("%q stands for %s, which is missing", w.words, w.code)
		}
	}
}

func TestTheCodeIsFoundInTheMessage(t *testing.T) {
	tests := map[string]struct{ code, message, want string }{
		"in the text":                    {"3", "Code:52013 - Message:签名校验失败,nonce:[52010]", "52013"},
		"at its beginning":               {"3", "52019 无效的agentid", "52019"},
		"in an old client's text":        {"3", "权限校验失败 Code:52013 - Message:签名校验失败", "52013"},
		"as the client script gives it":  {"52013", "", "52013"},
		"the PC client's words":          {"9", "签名校验失败,nonce:[],timestamp:[]", "52013"},
		"other words of the PC client":   {"9", "无效的corpid", "52010"},
		"an agentId in words":            {"9", "无效的agentid", "52019"},
		"the domain":                     {"3", "对应企业没有某某域名微应用", "domain"},
		"the domain, in English":         {"3", "1002, err msg redirect_uri domain is not secure domain", "domain"},
		"no client":                      {"", "[DINGTALK-JSAPI] ERROR 4040: Do not support the current environment：'notInDingTalk'", "4040"},
		"a code that is no dd.config's":  {"7", "cancel", "7"},
		"a number that is no code":       {"3", "request 152013 of today", "3"},
		"a number among the parameters":  {"3", "wrong,nonce:[x],timestamp:[52013]", "3"},
		"nothing":                        {"", "", ""},
		"a mismatch that a page reports": {"url_mismatch", "", "url_mismatch"},
	}
	for name, test := range tests {
		if got := CodeOf(test.code, test.message); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestAFailureIsExplained(t *testing.T) {
	tests := map[string]struct {
		code, message string
		words         []string
	}{
		"the wrong corpId":            {"52010", "", []string{"corp_id is wrong", "CorpId"}},
		"the wrong agentId":           {"9", "无效的agentid", []string{"agent_id does not belong", "app_key"}},
		"an unknown name":             {"52017", "", []string{"jsApiList names an API that does not exist", "without dd."}},
		"the wrong type":              {"52022", "", []string{"type 1 is for service windows (服务窗)"}},
		"an API that is not listed":   {"7", "", []string{"jsApiList", "js_api_list"}},
		"a code that nobody knows":    {"8", "cancel", []string{"not known here", "which DingTalk wrote"}},
		"an app that is not the page": {"3", "redirect_uri domain is not secure domain", []string{"domain", "console"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			page := Page{URL: "https://h5.test/p", Signed: "https://h5.test/p", Outcome: Failed, Code: test.code, Message: test.message}
			d := Examine(Facts{Page: page})
			if d.Verdict().Status != Error {
				t.Errorf("%+v", d.Verdict())
			}
			expectWords(t, d.Verdict(), test.words, nil)
			if d.Config.Message != test.message {
				t.Errorf("DingTalk's words are %q", d.Config.Message)
			}
		})
	}
}

// A mismatch explains a refused signature, but nothing else.
func TestAMismatchStandsBeforeWhatItLeadsTo(t *testing.T) {
	page := Page{URL: "https://h5.test/p", Signed: "http://h5.test/p", Outcome: Failed, Code: "52013"}
	if d := Examine(Facts{Page: page}); len(d.Findings) != 1 || d.Config.Code != "52013" || !strings.Contains(d.Config.Meaning.ZH, "签名") {
		t.Errorf("%+v", d)
	}
	page.Code = "52019"
	if d := Examine(Facts{Page: page}); len(d.Findings) != 2 || d.Verdict().Name != "url_mismatch" || d.Findings[1].Name != "52019" {
		t.Errorf("%+v", d.Findings)
	}
}
