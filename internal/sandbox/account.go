package sandbox

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"slices"
)

// Account is an internal app of an organisation, with all logins that can speak for it.
type Account struct {
	AppKey        string // default: dingsandbox0000002 and so on
	AppSecret     string // default: random
	CorpID        string // default: dingsandboxcorp00002 and so on
	AgentID       string // default: 1234567892 and so on
	CorpSecret    string // default: random
	ChannelSecret string // default: random
}

// withDefaults fills in what is missing in the nth account, counted from 1.
func (a Account) withDefaults(n int) Account {
	a.AppKey = cmp.Or(a.AppKey, fmt.Sprintf("dingsandbox%07d", n))
	a.AppSecret = cmp.Or(a.AppSecret, "secret-app-"+rand.Text())
	a.CorpID = cmp.Or(a.CorpID, fmt.Sprintf("dingsandboxcorp%05d", n))
	a.AgentID = cmp.Or(a.AgentID, fmt.Sprintf("123456789%d", n))
	a.CorpSecret = cmp.Or(a.CorpSecret, "secret-corp-"+rand.Text())
	a.ChannelSecret = cmp.Or(a.ChannelSecret, "secret-channel-"+rand.Text())
	return a
}

// of is whom the tokens of one of its logins belong to. Those of an organisation are one
// for all of its apps.
func (a Account) of(kind Kind) holder {
	if kind == App {
		return holder{kind, a.AppKey, a.CorpID}
	}
	return holder{kind, "", a.CorpID}
}

// account finds one of the internal apps.
func (d *DingTalk) account(is func(Account) bool) (Account, bool) {
	i := slices.IndexFunc(d.accounts, is)
	if i < 0 {
		return Account{}, false
	}
	return d.accounts[i], true
}

// first is the account that the options themselves describe.
func (d *DingTalk) first() Account { return d.accounts[0] }
