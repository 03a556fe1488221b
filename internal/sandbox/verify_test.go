package sandbox

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

// vector is one line of the signature vectors: the form query_decoded, hashed both ways.
type vector struct {
	Name      string
	Ticket    string
	Nonce     string
	Timestamp string
	PageURL   string `json:"page_url"`
	SignedURL string `json:"signed_url"`
	SHA1      string
	SHA256    string
}

func vectors(t *testing.T) []vector {
	t.Helper()
	data, err := os.ReadFile("../../testdata/dingtalk-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("no vectors")
	}
	return all
}

// holding is an organisation whose living ticket is known beforehand.
func holding(kind Kind, ticket string, o Options) *DingTalk {
	d := New(o)
	d.org.tickets[d.first().of(kind)] = grant{value: ticket, created: time.Now(), expires: time.Now().Add(time.Hour)}
	return d
}

func (d *DingTalk) params(nonce, timestamp, signature string) ConfigParams {
	return ConfigParams{
		AgentID: d.options.AgentID, CorpID: d.options.CorpID, TimeStamp: timestamp, NonceStr: nonce,
		Signature: signature, Type: "0", JSAPIList: []string{},
	}
}

func TestVerifyAcceptsTheVectors(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.Name+" "+v.PageURL, func(t *testing.T) {
			for hash, signature := range map[Hash]string{SHA1: v.SHA1, SHA256: v.SHA256} {
				d := holding(App, v.Ticket, Options{AcceptForms: []Form{QueryDecoded}, AcceptHashes: []Hash{hash}})
				got := d.Verify(d.params(v.Nonce, v.Timestamp, signature), v.PageURL)
				if !got.OK || got.Form != QueryDecoded || got.Hash != hash {
					t.Errorf("%s: %+v", hash, got)
				}
				if form := QueryDecoded.Of(got.URL); form != v.SignedURL {
					t.Errorf("hashed %q, want %q", form, v.SignedURL)
				}
				d.options.AcceptHashes = []Hash{SHA1, SHA256}
				wrong := d.params(v.Nonce, v.Timestamp, strings.ToUpper(signature))
				if got := d.Verify(wrong, v.PageURL); got.OK {
					t.Errorf("%s in upper case was accepted", hash)
				}
			}
		})
	}
}

// The URL whose three forms all differ, with published hashes for each.
const (
	knownTicket = "mS5k98fdkdgDKxkXGEs8LORVREiweeWETE40P37wkidkfksDSKDJFD5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcKIDU8l"
	knownNonce  = "Zn4zmLFKD0wzilzM"
	knownTime   = "1414588745"
	knownURL    = "https://app.example.com:8443/a%20b/%E4%B8%AD?name=%E5%BC%A0%E4%B8%89&x=a+b&y=1%2B1"
)

func TestVerifyKnowsEachFormAndHash(t *testing.T) {
	tests := map[string]struct {
		form Form
		hash Hash
	}{
		"d40be0aff7614da148d2b3f1fb6deb10504e4584":                         {QueryDecoded, SHA1},
		"4dae467deed28c565cb522f0490d7e36149d9f9dc81e8c762de30c1fb3bf9475": {QueryDecoded, SHA256},
		"052a58540c3aace961d24ec22530fa211fd877dc":                         {Raw, SHA1},
		"c669ed82f4b8e23c9a4cc618f446758a50e81247aaf0e322a0dfd19cd90d9b65": {Raw, SHA256},
		"6aacbaf2fe12e9d11ce6d4f3ed0a5dd17a85cbe5":                         {Decoded, SHA1},
		"626dfebb0fffa2295ba116dbfd179a01d3a412f14c936f22480d3c252b1e7d8e": {Decoded, SHA256},
	}
	for signature, want := range tests {
		t.Run(string(want.form)+" "+string(want.hash), func(t *testing.T) {
			d := holding(App, knownTicket, Options{})
			got := d.Verify(d.params(knownNonce, knownTime, signature), knownURL+"#/r?z=1")
			if !got.OK || got.Form != want.form || got.Hash != want.hash || got.URL != knownURL {
				t.Errorf("all accepted: %+v", got)
			}
			for _, form := range Forms {
				for _, hash := range Hashes {
					strict := holding(App, knownTicket, Options{AcceptForms: []Form{form}, AcceptHashes: []Hash{hash}})
					accepted := strict.Verify(strict.params(knownNonce, knownTime, signature), knownURL).OK
					if accepted != (form == want.form && hash == want.hash) {
						t.Errorf("with %s and %s only: accepted is %v", form, hash, accepted)
					}
				}
			}
		})
	}
}

func TestVerifyRefuses(t *testing.T) {
	const signature = "d40be0aff7614da148d2b3f1fb6deb10504e4584"
	tests := map[string]struct {
		spoil func(*ConfigParams)
		href  string
		code  int
	}{
		"another scheme":       {href: strings.Replace(knownURL, "https", "http", 1), code: 52013},
		"a lost port":          {href: strings.Replace(knownURL, ":8443", "", 1), code: 52013},
		"another path":         {href: strings.Replace(knownURL, "/a%20b", "", 1), code: 52013},
		"another nonce":        {spoil: func(p *ConfigParams) { p.NonceStr = "other" }, code: 52013},
		"another time":         {spoil: func(p *ConfigParams) { p.TimeStamp = "1" }, code: 52013},
		"a mangled signature":  {spoil: func(p *ConfigParams) { p.Signature = "abc" }, code: 52013},
		"another corp":         {spoil: func(p *ConfigParams) { p.CorpID = "dingother" }, code: 52010},
		"no corp":              {spoil: func(p *ConfigParams) { p.CorpID = "" }, code: 52010},
		"another agent":        {spoil: func(p *ConfigParams) { p.AgentID = "7" }, code: 52019},
		"the type of a window": {spoil: func(p *ConfigParams) { p.Type = "1" }, code: 52019},
		"an unknown type":      {spoil: func(p *ConfigParams) { p.Type = "2" }, code: 52022},
		"no signature":         {spoil: func(p *ConfigParams) { p.Signature = "" }, code: 52016},
		"no nonce":             {spoil: func(p *ConfigParams) { p.NonceStr = "" }, code: 52015},
		"no time":              {spoil: func(p *ConfigParams) { p.TimeStamp = "" }, code: 52018},
		"no list":              {spoil: func(p *ConfigParams) { p.JSAPIList = nil }, code: 52017},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := holding(App, knownTicket, Options{})
			p := d.params(knownNonce, knownTime, signature)
			if tt.spoil != nil {
				tt.spoil(&p)
			}
			href := tt.href
			if href == "" {
				href = knownURL
			}
			if got := d.Verify(p, href); got.OK || got.Code != tt.code || got.Message == "" {
				t.Errorf("%+v, want %d", got, tt.code)
			}
		})
	}
}

func TestVerifyKnowsLivingTicketsOnly(t *testing.T) {
	d := fixed()
	old := legacyTicket(t, d, login(t, d, App))
	p := d.params("n", "1", sign(SHA1, old, "n", "1", "https://h.example/"))
	if got := d.Verify(p, "https://h.example/"); !got.OK {
		t.Fatalf("a living ticket: %+v", got)
	}
	d.ExpireTicket()
	if got := d.Verify(p, "https://h.example/"); got.Code != 52013 || !strings.HasSuffix(got.Message, "ticketList:[]") {
		t.Errorf("a dead ticket: %+v", got)
	}
}

func TestVerifyWantsTheTicketOfTheType(t *testing.T) {
	d := holding(Channel, knownTicket, Options{})
	p := d.params("n", "1", sign(SHA1, knownTicket, "n", "1", "https://h.example/"))
	if got := d.Verify(p, "https://h.example/"); got.Code != 52019 {
		t.Errorf("a window's ticket for an app: %+v", got)
	}
	p.Type = "1"
	if got := d.Verify(p, "https://h.example/"); !got.OK {
		t.Errorf("a window's ticket for a window: %+v", got)
	}
}

func TestRefusalsInDingTalksWords(t *testing.T) {
	d := holding(App, knownTicket, Options{})
	verdict := d.Verify(d.params("n1", "2", "bad"), "https://h.example/x?a=%20#/r")
	const words = "签名校验失败,nonce:[n1],timestamp:[2],url:[https://h.example/x?a=%20],ticketList:[mS5k98fdkd***1AOcKIDU8l]"

	for _, platform := range []string{"ios", "android", "harmony"} {
		if got := verdict.Refusal(platform); *got != (Refusal{3, "Code:52013 - Message:" + words}) {
			t.Errorf("%s: %+v", platform, got)
		}
	}
	if got := verdict.Refusal("pc"); *got != (Refusal{9, words}) {
		t.Errorf("pc: %+v", got)
	}
	if got := (Verdict{OK: true}).Refusal("pc"); got != nil {
		t.Errorf("an accepted call is refused with %+v", got)
	}
}

func TestConfigParamsTakeNumbersAndStrings(t *testing.T) {
	tests := map[string]struct {
		json string
		want ConfigParams
	}{
		"strings": {
			`{"agentId":"1","corpId":"c","timeStamp":"1718600000","nonceStr":"n","signature":"s","type":"1","jsApiList":["a"]}`,
			ConfigParams{"1", "c", "1718600000", "n", "s", "1", []string{"a"}},
		},
		"numbers": {
			`{"agentId":1234567890123,"timeStamp":1718600000000,"type":0,"jsApiList":[]}`,
			ConfigParams{AgentID: "1234567890123", TimeStamp: "1718600000000", Type: "0", JSAPIList: []string{}},
		},
		"nulls and strangers": {
			`{"agentId":null,"url":"https://h.example/","jsApiList":null}`,
			ConfigParams{},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got ConfigParams
			if err := json.Unmarshal([]byte(tt.json), &got); err != nil {
				t.Fatal(err)
			}
			a, _ := json.Marshal(got)
			b, _ := json.Marshal(tt.want)
			if string(a) != string(b) {
				t.Errorf("%s, want %s", a, b)
			}
		})
	}
	if err := json.Unmarshal([]byte(`{"agentId":{}}`), new(ConfigParams)); err == nil {
		t.Error("an object was taken for an agentId")
	}
}
