package tenant

import (
	"github.com/caddy-dingtalk/caddy-dingtalk/doctor"
	"github.com/caddy-dingtalk/caddy-dingtalk/observe"
)

// Reason is why a visit is for no tenant.
type Reason int

const (
	// Unknown: what was named is none of the candidates, or there is none.
	Unknown Reason = iota
	// Ambiguous: more than one candidate is meant.
	Ambiguous
	// Conflict: the parameters of a call contradict the page's URL.
	Conflict
	// Unavailable: whether a corp has authorised a suite cannot be found out now. Err
	// tells why.
	Unavailable
)

// Error is why a visit is for no tenant.
type Error struct {
	Reason Reason
	Names  Names  // what was named
	By     string // who named it, "" if nobody named anything
	Err    error  // the cause of Unavailable
}

// Code is the error's name for pages and callers of the endpoints.
func (e *Error) Code() string {
	switch e.Reason {
	case Ambiguous:
		return observe.CodeTenantAmbiguous
	case Conflict:
		return observe.CodeTenantConflict
	case Unavailable:
		return observe.CodeNoTicket
	}
	return observe.CodeTenantUnknown
}

func (e *Error) Error() string { return e.Message().EN }

func (e *Error) Unwrap() error { return e.Err }

// Message says what is wrong and what to do about it.
func (e *Error) Message() doctor.Text {
	return doctor.NoTenant(*e.Facts())
}

// Facts are what a doctor is told, nil where no tenant is missing.
func (e *Error) Facts() *doctor.Tenantless {
	if e == nil {
		return nil
	}
	return &doctor.Tenantless{Code: e.Code(), Corp: e.Names.Corp, Agent: e.Names.Agent, Twice: e.Names.Twice, By: e.By, Unavailable: e.Err}
}
