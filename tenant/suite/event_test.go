package suite

import (
	"fmt"
	"strings"
	"testing"
)

func TestBothShapesOfAnEventMeanTheSame(t *testing.T) {
	const pushed = int64(1_700_000_100_000)
	row := func(biz any, corp, data string) string {
		return fmt.Sprintf(`{"EventType":"SYNC_HTTP_PUSH_HIGH","bizData":[{"biz_type":%v,"corp_id":%q,"gmt_modified":1700000000000,"biz_data":%s}]}`, biz, corp, data)
	}
	text := func(data string) string { return `"` + strings.ReplaceAll(data, `"`, `\"`) + `"` }
	const (
		ticket  = `{suite_ticket 1700000000000 1 t1  [] }`
		auth    = `{org_suite_auth 1700000000000 2  corp1 [{1001 5 0 0}] }`
		plain   = `{tmp_auth_code 1700000000000 2  corp1 [] }`
		relieve = `{%s 1700000000000 3  corp1 [] }`
		stop    = `{org_micro_app_stop 1700000000000 5  corp1 [] 1001}`
	)
	for message, want := range map[string]string{
		`{"EventType":"suite_ticket","TimeStamp":"1700000000000","SuiteTicket":"t1","SuiteKey":"suite1"}`: ticket,
		`{"EventType":"suite_ticket","TimeStamp":1700000000,"SuiteTicket":"t1"}`:                          ticket,
		row(2, "provider", text(`{"syncAction":"suite_ticket","suiteTicket":"t1"}`)):                      ticket,
		row(2, "provider", `{"syncAction":"suite_ticket","suiteTicket":"t1"}`):                            ticket,
		row(`"2"`, "provider", `{"syncAction":"suite_ticket","suiteTicket":"t1"}`):                        ticket,

		`{"EventType":"tmp_auth_code","TimeStamp":"1700000000000","AuthCode":"c","AuthCorpId":"corp1"}`:                                   plain,
		row(4, "corp1", `{"syncAction":"org_suite_auth","auth_info":{"agent":[{"agentid":1001,"appid":5}]}}`):                             auth,
		row(4, "corp1", text(`{"syncAction":"org_suite_auth","auth_info":{"agent":[{"agentid":"1001","appid":"5"}]}}`)):                   auth,
		row(4, "", `{"syncAction":"org_suite_auth","authCorpInfo":{"corpid":"corp1"},"authInfo":{"agent":[{"agentId":1001,"appId":5}]}}`): auth,
		`{"EventType":"suite_relieve","TimeStamp":"1700000000000","AuthCorpId":"corp1"}`:                                                  fmt.Sprintf(relieve, "suite_relieve"),
		row(4, "corp1", `{"syncAction":"org_suite_relieve"}`):                                                                             fmt.Sprintf(relieve, "org_suite_relieve"),
		row(16, "corp1", `{"syncAction":"org_remove","corpid":"corp1"}`):                                                                  fmt.Sprintf(relieve, "org_remove"),
		`{"EventType":"org_micro_app_stop","TimeStamp":"1700000000000","AuthCorpId":"corp1","AgentId":1001,"AppId":5}`:                    stop,
		row(7, "corp1", text(`{"syncAction":"org_micro_app_stop","agentId":"1001"}`)):                                                     stop,

		`{"EventType":"check_url"}`:                                     `{check_url 1700000100000 0   [] }`,
		`{"EventType":"bpms_task_change"}`:                              `{other 0 0   [] }`,
		`{"EventType":"suite_ticket","SuiteTicket":"a b"}`:              `{suite_ticket 0 0   [] }`,
		`{"EventType":"suite_ticket"}`:                                  `{suite_ticket 0 0   [] }`,
		`{"EventType":"suite_relieve","AuthCorpId":"../x"}`:             `{suite_relieve 0 0   [] }`,
		row(9, "x", `{"syncAction":"suite_ticket","suiteTicket":"t1"}`): `{other 0 0   [] }`,
		row(4, "corp1", `7`):                                            `{other 0 0   [] }`,
		`no JSON`:                                                       `{other 0 0   [] }`,
		`{"EventType":"SYNC_HTTP_PUSH_HIGH","bizData":7}`:               `{other 0 0   [] }`,
	} {
		if got := parseEvents([]byte(message), pushed); len(got) != 1 || fmt.Sprint(got[0]) != want {
			t.Errorf("%s: %v, want %s", message, got, want)
		}
	}
	two := `{"EventType":"SYNC_HTTP_PUSH_MEDIUM","bizData":[{"biz_type":4,"corp_id":"corp1","biz_data":{"syncAction":"org_suite_auth"}},7,{"biz_type":4,"corp_id":"corp1","biz_data":{"syncAction":"org_suite_relieve"}}]}`
	if got := parseEvents([]byte(two), pushed); len(got) > 0 && got[0].name == "org_suite_relieve" {
		t.Errorf("the order is lost: %v", got)
	}
}

func TestTimesAreReadAsTheyAreWritten(t *testing.T) {
	const pushed = int64(1_700_000_000_000)
	for text, want := range map[string]int64{
		"1699999999123": 1699999999123, "1699999999": 1699999999000, "2023-11-15 06:13:19": 1699999999000,
		"": 1, "x": 1, "-5": 1, "0": 1, "1e9": 1, "1800000000000": 1, "99999999999999999999": 1,
	} {
		if got := stampOf(text, 1, pushed); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}
