package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
)

// Person is somebody whom DingTalk knows.
type Person struct {
	UserID      string // within the organisation; "" for who is neither member nor external contact
	UnionID     string
	OpenID      string
	Name        string
	Title       string
	JobNumber   string
	Avatar      string
	Admin       bool
	Departments []int
	External    bool // an external contact: in the address book, but no member
	Follower    bool // of the service window
}

func (p Person) member() bool { return p.UserID != "" && !p.External }

// people of the organisation, unless the options name others.
func people() []Person {
	return []Person{
		{UserID: "u1", UnionID: "union-u1", OpenID: "open-u1", Name: "张三", Title: "经理", JobNumber: "0001",
			Avatar: "https://static.dingtalk.com/u1.jpg", Admin: true, Departments: []int{11}, Follower: true},
		{UserID: "u2", UnionID: "union-u2", OpenID: "open-u2", Name: "李四", Title: "工程师", JobNumber: "0002",
			Avatar: "https://static.dingtalk.com/u2.jpg", Departments: []int{12}, Follower: true},
		{UserID: "x1", UnionID: "union-x1", OpenID: "open-x1", Name: "外部联系人", External: true},
		{UnionID: "union-f1", OpenID: "open-f1", Name: "关注者", Follower: true},
	}
}

// above is each department's parent; 1 is the root.
var above = map[int]int{11: 1, 12: 1, 111: 11}

// who finds a person by the userid, or by what comes behind "union-" where there is none.
func (d *DingTalk) who(name string) (Person, bool) {
	return d.person(func(p Person) bool {
		return name != "" && p.UserID == name || p.UserID == "" && p.UnionID == "union-"+name
	})
}

func (d *DingTalk) person(is func(Person) bool) (Person, bool) {
	i := slices.IndexFunc(d.options.People, is)
	if i < 0 {
		return Person{}, false
	}
	return d.options.People[i], true
}

// called checks the access token of an oapi call, and returns its refusal.
func (d *DingTalk) called(q request, allowed ...Kind) (refusal reply, refused bool) {
	token := q.query.Get("access_token")
	if token == "" {
		return legacyRefusal(41001, "access_token is blank"), true
	}
	h, living := d.org.owner(token)
	switch {
	case !slices.Contains(allowed, h.kind):
		return legacyRefusal(40014, "不合法的access_token"), true
	case !living:
		return legacyRefusal(42001, "access_token已过期"), true
	}
	return reply{}, false
}

// topCalled is called for topapi, which wraps some of its refusals.
func (d *DingTalk) topCalled(q request) (refusal reply, refused bool) {
	refusal, refused = d.called(q, App, Corp, ISV)
	if refused && refusal.body["errcode"] == 40014 {
		refusal.body = fields{"errcode": 88, "sub_code": "40014", "sub_msg": "不合法的access_token",
			"errmsg": "ding talk error[subcode=40014,submsg=不合法的access_token]"}
	}
	return refusal, refused
}

// text returns a member of the JSON body, or a parameter of the query, which the older
// calls take.
func (q request) text(name string) string {
	var body map[string]json.RawMessage
	var value string
	if q.isJSON() && json.Unmarshal(q.body, &body) == nil {
		_ = json.Unmarshal(body[name], &value)
	}
	return value
}

func result(of any) reply {
	return reply{http.StatusOK, fields{"errcode": 0, "errmsg": "ok", "request_id": "sandbox", "result": of}}
}

func plainSuccess(more fields) reply {
	more["errcode"], more["errmsg"] = 0, "ok"
	return reply{http.StatusOK, more}
}

// getUserInfo is POST /topapi/v2/user/getuserinfo with a code of requestAuthCode.
func (d *DingTalk) getUserInfo(q request) reply {
	if refusal, refused := d.topCalled(q); refused {
		return refusal
	}
	p, refusal, ok := d.spend(q, q.text("code"), appCode)
	if !ok {
		return refusal
	}
	level := 0
	if p.Admin {
		level = 1
	}
	return result(fields{"userid": p.UserID, "unionid": p.UnionID, "associated_unionid": p.UnionID, "name": p.Name,
		"device_id": "sandbox", "sys": p.Admin, "sys_level": level})
}

// legacyUserInfo is GET /user/getuserinfo, which tells no unionid.
func (d *DingTalk) legacyUserInfo(q request) reply {
	if refusal, refused := d.called(q, App, Corp, ISV); refused {
		return refusal
	}
	p, refusal, ok := d.spend(q, q.query.Get("code"), appCode)
	if !ok {
		return refusal
	}
	level := 0
	if p.Admin {
		level = 1
	}
	return plainSuccess(fields{"userid": p.UserID, "name": p.Name, "deviceId": "sandbox", "is_sys": p.Admin, "sys_level": level})
}

var notFound = legacyRefusal(60121, "找不到该用户")

// userGet is POST /topapi/v2/user/get.
func (d *DingTalk) userGet(q request) reply {
	if refusal, refused := d.topCalled(q); refused {
		return refusal
	}
	p, ok := d.person(func(p Person) bool { return p.member() && p.UserID == q.text("userid") })
	if !ok {
		return notFound
	}
	return result(fields{"userid": p.UserID, "unionid": p.UnionID, "name": p.Name, "avatar": p.Avatar, "title": p.Title,
		"job_number": p.JobNumber, "dept_id_list": p.Departments, "admin": p.Admin, "boss": false, "active": true})
}

// legacyUserGet is GET /user/get.
func (d *DingTalk) legacyUserGet(q request) reply {
	if refusal, refused := d.called(q, App, Corp, ISV); refused {
		return refusal
	}
	p, ok := d.person(func(p Person) bool { return p.member() && p.UserID == q.query.Get("userid") })
	if !ok {
		return notFound
	}
	return plainSuccess(fields{"userid": p.UserID, "unionid": p.UnionID, "name": p.Name, "avatar": p.Avatar, "position": p.Title,
		"jobnumber": p.JobNumber, "department": p.Departments, "isAdmin": p.Admin, "isBoss": false, "active": true})
}

// getByUnionID is POST /topapi/user/getbyunionid, with an app's token only.
func (d *DingTalk) getByUnionID(q request) reply {
	if refusal, refused := d.topCalled(q); refused {
		return refusal
	}
	p, ok := d.person(func(p Person) bool { return p.UserID != "" && p.UnionID == q.text("unionid") })
	if !ok {
		return notFound
	}
	kind := 0
	if p.External {
		kind = 1
	}
	return result(fields{"contact_type": kind, "userid": p.UserID})
}

// listParentByUser is POST /topapi/v2/department/listparentbyuser: for each department of
// the user itself and all above it, the root last.
func (d *DingTalk) listParentByUser(q request) reply {
	if refusal, refused := d.topCalled(q); refused {
		return refusal
	}
	p, ok := d.person(func(p Person) bool { return p.member() && p.UserID == q.text("userid") })
	if !ok {
		return notFound
	}
	lists := []fields{}
	for _, department := range p.Departments {
		way := []int{department}
		for parent, more := above[department]; more; parent, more = above[parent] {
			way = append(way, parent)
		}
		lists = append(lists, fields{"parent_dept_id_list": way})
	}
	return result(fields{"parent_list": lists})
}

// getByCode is GET /channel/user/get_by_code, with the channel's token.
func (d *DingTalk) getByCode(q request) reply {
	if refusal, refused := d.called(q, Channel); refused {
		return refusal
	}
	p, refusal, ok := d.spend(q, q.query.Get("code"), channelCode)
	if !ok {
		return refusal
	}
	return plainSuccess(fields{"openid": p.OpenID, "unionid": p.UnionID})
}
