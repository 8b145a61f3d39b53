package service

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The refusals of this subject.
const (
	ReasonOrgKindUnknown  Reason = "org.kind"
	ReasonOrgName         Reason = "org.name"          // empty, or longer than Data letters
	ReasonOrgExists       Reason = "org.exists"        // the same kind and name
	ReasonOrgINN          Reason = "org.inn"           // not 10 or 12 digits
	ReasonOrgINNTaken     Reason = "org.inn_taken"     // the same kind and INN
	ReasonOrgZone         Reason = "org.zone"          // not an IANA time zone
	ReasonOrgOneOperator  Reason = "org.one_operator"  // there is one already
	ReasonPersonName      Reason = "person.name"       // empty, or longer than Data letters
	ReasonLastOne         Reason = "person.last_one"   // somebody must stay in every role of an organisation
	ReasonLanguageUnknown Reason = "person.language"   // no texts in it
	ReasonAlreadyRemoved  Reason = "person.removed"    // Data: Gone
	ReasonRoleUnknown     Reason = "role.unknown"      // no such role
	ReasonRoleOrg         Reason = "role.org"          // this role needs an organisation of another kind
	ReasonRoleNeedsOrg    Reason = "role.needs_org"    // this role is held in an organisation
	ReasonRoleNeedsNoOrg  Reason = "role.needs_no_org" // this role belongs to no organisation
)

// DefaultZone is the time zone of an organisation that names none, and of
// people who belong to none. Source: the domain, section 1.
const DefaultZone = "Europe/Moscow"

// Languages are those that have texts; the first is the default, and the one of
// everything that only staff read.
var Languages = CandidateLanguages

// CommandLine is the actor of the program's own commands. Whoever can run them
// owns the machine, so they have an admin's rights; there is no person, and
// history shows none.
var CommandLine = Actor{Zone: DefaultZone, Seats: []Seat{{Role: RoleAdmin}}}

// Bounds of names, in letters. Longer ones do not fit the lines of a chat and
// of a printed act.
const (
	maxOrgName    = 300
	maxPersonName = 120
)

// OrgKind is what an organisation does.
type OrgKind string

// The kinds of organisations.
const (
	OrgPartner  OrgKind = "partner"
	OrgOperator OrgKind = "operator" // at most one in an installation
	OrgCenter   OrgKind = "center"
)

// Staff returns the role of those who work in an organisation of this kind, ""
// for an unknown kind.
func (k OrgKind) Staff() Role {
	switch k {
	case OrgPartner:
		return RolePartnerRep
	case OrgOperator:
		return RoleOperatorRep
	case OrgCenter:
		return RoleCenterStaff
	}
	return ""
}

// Org is an organisation.
type Org struct {
	ID        int64   `bun:",pk,autoincrement"`
	Kind      OrgKind // see the constants
	Name      string
	INN       string    `bun:"inn"` // may be empty
	Zone      string    // IANA time zone in which its days begin and end
	CreatedAt time.Time `bun:",nullzero"` // UTC
}

// Location is the organisation's time zone.
func (o *Org) Location() (*time.Location, error) { return zoneOf(o.Zone) }

// Person is somebody who works with the bot, or is invited to.
type Person struct {
	ID            int64      `bun:",pk,autoincrement"`
	Name          string     // as the invitation calls them
	TelegramID    int64      `bun:",nullzero"` // user and private chat are one number; 0 before the link is used
	Language      string     // of the texts, such as "ru"
	Muted         bool       // no reminders
	UnreachableAt *time.Time // since when their chat refuses messages
	CreatedAt     time.Time  `bun:",nullzero"` // UTC
}

// Membership is a seat with its dates. It stands while RemovedAt is nil; a row
// is never deleted.
type Membership struct {
	ID        int64 `bun:",pk,autoincrement"`
	PersonID  int64
	OrgID     int64 `bun:",nullzero"` // 0 for admins and candidates
	Role      Role
	AddedAt   time.Time  // UTC
	AddedBy   int64      `bun:",nullzero"` // 0: from the command line
	RemovedAt *time.Time // UTC
	RemovedBy int64      `bun:",nullzero"`
}

// Seat is the membership without its dates.
func (m *Membership) Seat() Seat { return Seat{Role: m.Role, OrgID: m.OrgID} }

// Colleague is a person in a seat, as those beside them see it.
type Colleague struct {
	MembershipID  int64
	PersonID      int64
	Name          string
	Since         time.Time  // UTC
	UnreachableAt *time.Time // since when their chat refuses messages, nil while it does not
}

// Colleagues is a page of the people in one role of one organisation.
type Colleagues struct {
	Seat  Seat
	Org   *Org // nil for admins
	List  []Colleague
	Total int // in all pages
	Open  int // invitations that can still be used
}

// Gone tells who left a seat, when and by whom.
type Gone struct {
	Name string
	On   Day    // in the reader's zone
	By   string // "" from the command line
}

// PeopleQueries asks about people and organisations.
type PeopleQueries interface {
	// ActorByTelegram returns who stands behind a Telegram user with the seats
	// that stand now, or NotFound for a stranger and for a person without any.
	ActorByTelegram(ctx context.Context, telegramID int64) (Actor, error)
	// ActorByID is ActorByTelegram for a person whose id is known.
	ActorByID(ctx context.Context, personID int64) (Actor, error)
	// Person returns NotFound when there is none.
	Person(ctx context.Context, id int64) (*Person, error)
	// PersonByTelegram returns NotFound for a stranger. A person who has lost
	// every seat is still found.
	PersonByTelegram(ctx context.Context, telegramID int64) (*Person, error)
	// Org returns NotFound when there is none.
	Org(ctx context.Context, id int64) (*Org, error)
	// OperatorOrg returns the one operator of the installation, or NotFound.
	OperatorOrg(ctx context.Context) (*Org, error)
	// OrgsPage lists organisations of all kinds by kind and name, from offset on,
	// at most limit.
	OrgsPage(ctx context.Context, offset, limit int) ([]Org, error)
	// OrgsCount counts them.
	OrgsCount(ctx context.Context) (int, error)
	// PeopleIn lists the ids of those who hold a role in an organisation now, at
	// most limit.
	PeopleIn(ctx context.Context, role Role, orgID int64, limit int) ([]int64, error)
	// PeopleWith lists the ids of those who hold a role anywhere, at most limit.
	PeopleWith(ctx context.Context, role Role, limit int) ([]int64, error)
	// ColleaguesPage lists those who sit there now, by name, from offset on, at
	// most limit.
	ColleaguesPage(ctx context.Context, seat Seat, offset, limit int) ([]Colleague, error)
	// ColleaguesCount counts them.
	ColleaguesCount(ctx context.Context, seat Seat) (int, error)
	// Membership returns one that stands or stood, or NotFound.
	Membership(ctx context.Context, id int64) (*Membership, error)
	// MembershipOf returns the one by which a person sits there now, or NotFound.
	MembershipOf(ctx context.Context, personID int64, seat Seat) (*Membership, error)
	InvitationQueries
}

// PeopleCommands changes people and organisations.
type PeopleCommands interface {
	// AddOrg inserts the organisation and sets its ID. An organisation that is
	// there already is a refusal with its reason.
	AddOrg(ctx context.Context, o *Org) error
	// PersonForTelegram returns the person of a Telegram user, made from p if
	// there is none, and holds it until the transaction ends.
	PersonForTelegram(ctx context.Context, p Person) (*Person, error)
	// SetReachable writes down since when a person's chat refuses messages; nil
	// means that it does not. It reports whether that changed: a second refusal
	// does not move the first one's time.
	SetReachable(ctx context.Context, personID int64, unreachableAt *time.Time) (bool, error)
	// SetMuted turns a person's reminders off and on.
	SetMuted(ctx context.Context, personID int64, muted bool) error
	// SetLanguage chooses the language of a person's texts.
	SetLanguage(ctx context.Context, personID int64, language string) error
	// HoldSeat reports whether the person has the seat, and keeps it from being
	// taken away until the transaction ends.
	HoldSeat(ctx context.Context, personID int64, seat Seat) (bool, error)
	// MembershipsForUpdate lists those who sit there now and holds all of them,
	// so that of two people who remove each other one stays.
	MembershipsForUpdate(ctx context.Context, seat Seat) ([]Membership, error)
	// AddMembership inserts the membership and sets its ID; it reports false, and
	// changes nothing, when the person sits there already.
	AddMembership(ctx context.Context, m *Membership) (bool, error)
	// EndMembership writes RemovedAt and RemovedBy.
	EndMembership(ctx context.Context, m *Membership) error
	InvitationCommands
}

// People is who may do what: organisations, their staff, invitations.
type People struct {
	store  Store
	now    Clock
	random io.Reader
}

// NewPeople returns the use cases. Random must be a source fit for secrets.
func NewPeople(store Store, now Clock, random io.Reader) *People {
	return &People{store: store, now: now, random: random}
}

// NewOrg is what a new organisation is made of.
type NewOrg struct {
	Kind OrgKind
	Name string
	INN  string // may be empty
	Zone string // IANA; empty means DefaultZone
}

// AddOrg enters an organisation. Only admins may.
func (s *People) AddOrg(ctx context.Context, by Actor, in NewOrg) (*Org, error) {
	if !by.Has(RoleAdmin) {
		return nil, refuse(Forbidden, ReasonForbidden)
	}
	o, err := checkOrg(in)
	if err != nil {
		return nil, err
	}
	err = s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		if err := still(ctx, tx, by, Seat{Role: RoleAdmin}); err != nil {
			return err
		}
		if err := tx.AddOrg(ctx, o); err != nil {
			return err
		}
		return tx.AddHistory(ctx, History{
			Subject: SubjectOrg, SubjectID: o.ID, At: s.now().UTC(), PersonID: by.PersonID,
			Event: "added", ToStatus: string(o.Kind),
		})
	})
	if err != nil {
		return nil, err
	}
	return o, nil
}

// checkOrg makes an organisation of what was said about it, or refuses.
func checkOrg(in NewOrg) (*Org, error) {
	if in.Kind.Staff() == "" {
		return nil, refuse(Invalid, ReasonOrgKindUnknown)
	}
	name := PlainName(in.Name)
	if name == "" || utf8.RuneCountInString(name) > maxOrgName {
		return nil, refuseWith(Invalid, ReasonOrgName, maxOrgName)
	}
	inn := strings.TrimSpace(in.INN)
	if inn != "" && !ValidINN(inn) {
		return nil, refuse(Invalid, ReasonOrgINN)
	}
	zone := in.Zone
	if zone == "" {
		zone = DefaultZone
	}
	// "Local" is the machine's zone: it means something else after a move.
	if _, err := time.LoadLocation(zone); err != nil || zone == "Local" {
		return nil, &Error{Kind: Invalid, Reason: ReasonOrgZone, Err: err}
	}
	return &Org{Kind: in.Kind, Name: name, INN: inn, Zone: zone}, nil
}

// ValidINN tells whether s has the form of a taxpayer's number: 10 digits of a
// legal person or 12 of an entrepreneur. The check digits are not asked: trial
// installations name organisations that do not exist, and the number is only a
// key by which sheets find an organisation.
func ValidINN(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return len(s) == 10 || len(s) == 12
}

// PlainName is a name as typed, on one line: spaces squeezed, control and
// direction characters left out, for these would change how the text around
// them reads. Emoji made of several characters stay whole.
func PlainName(s string) string {
	const joiner = '\u200d' // holds the parts of an emoji together
	s = strings.ToValidUTF8(s, "")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == joiner:
			return r
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp):
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// Orgs lists the organisations for an admin, by kind and name, from offset on,
// at most limit, and counts all.
func (s *People) Orgs(ctx context.Context, by Actor, offset, limit int) ([]Org, int, error) {
	if !by.Has(RoleAdmin) {
		return nil, 0, refuse(Forbidden, ReasonForbidden)
	}
	list, err := s.store.OrgsPage(ctx, offset, limit)
	if err != nil {
		return nil, 0, fmt.Errorf("list organisations: %w", err)
	}
	n, err := s.store.OrgsCount(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("count organisations: %w", err)
	}
	return list, n, nil
}

// Place is a seat by its organisation.
type Place struct {
	Seat Seat
	Org  *Org // nil for admins
}

// Places lists the seats whose people the actor may see and invite, from offset
// on, at most limit, and counts all: the own ones, or for an admin the admins
// and every organisation.
func (s *People) Places(ctx context.Context, by Actor, offset, limit int) ([]Place, int, error) {
	if by.Has(RoleAdmin) {
		return s.allPlaces(ctx, by, offset, limit)
	}
	var out []Place
	for _, seat := range by.Seats {
		if !mayStaff(by, seat) {
			continue
		}
		o, err := s.store.Org(ctx, seat.OrgID)
		if err != nil {
			return nil, 0, fmt.Errorf("organisation %d: %w", seat.OrgID, err)
		}
		out = append(out, Place{seat, o})
	}
	from := min(offset, len(out))
	return out[from:min(from+limit, len(out))], len(out), nil
}

func (s *People) allPlaces(ctx context.Context, by Actor, offset, limit int) ([]Place, int, error) {
	var out []Place
	if offset == 0 {
		out = append(out, Place{Seat: Seat{Role: RoleAdmin}})
	}
	orgs, n, err := s.Orgs(ctx, by, max(0, offset-1), limit-len(out))
	if err != nil {
		return nil, 0, err
	}
	for i := range orgs {
		out = append(out, Place{Seat{orgs[i].Kind.Staff(), orgs[i].ID}, &orgs[i]})
	}
	return out, n + 1, nil
}

// Place returns the seat of those who work in an organisation, of the admins
// for 0. Whoever may not see its people gets NotFound, as for an organisation
// that is not there.
func (s *People) Place(ctx context.Context, by Actor, orgID int64) (Place, error) {
	for _, seat := range by.Seats {
		if seat.OrgID == orgID && orgID != 0 && mayStaff(by, seat) {
			o, err := s.store.Org(ctx, orgID)
			if err != nil {
				return Place{}, fmt.Errorf("organisation %d: %w", orgID, err)
			}
			return Place{seat, o}, nil
		}
	}
	switch {
	case !by.Has(RoleAdmin):
		return Place{}, refuse(NotFound, ReasonNotFound)
	case orgID == 0:
		return Place{Seat: Seat{Role: RoleAdmin}}, nil
	}
	o, err := s.store.Org(ctx, orgID)
	if err != nil {
		return Place{}, fmt.Errorf("organisation %d: %w", orgID, err)
	}
	return Place{Seat{o.Kind.Staff(), o.ID}, o}, nil
}

// Actor returns who stands behind a Telegram user, or NotFound for a stranger.
// It is asked at every update, so that rights end with the next press.
func (s *People) Actor(ctx context.Context, telegramID int64) (Actor, error) {
	return s.store.ActorByTelegram(ctx, telegramID)
}

// mayStaff tells whether the actor may invite into a seat, see who is there and
// remove them: admins everywhere, employees beside themselves.
func mayStaff(by Actor, seat Seat) bool {
	// A candidate's seat comes and goes with their applications.
	return seat.Role != RoleCandidate && (by.Has(RoleAdmin) || seat.OrgID != 0 && by.In(seat.Role, seat.OrgID))
}

// still asks again, inside the transaction, whether the actor may act upon a
// seat, and keeps that so until the end. The command line has no seat to lose.
func still(ctx context.Context, tx Tx, by Actor, seat Seat) error {
	if by.PersonID == 0 {
		if by.Has(RoleAdmin) {
			return nil
		}
		return refuse(Forbidden, ReasonForbidden)
	}
	for _, own := range []Seat{seat, {Role: RoleAdmin}} {
		if !slices.Contains(by.Seats, own) {
			continue
		}
		held, err := tx.HoldSeat(ctx, by.PersonID, own)
		if err != nil {
			return fmt.Errorf("seat of person %d: %w", by.PersonID, err)
		}
		if held {
			return nil
		}
	}
	return refuse(Forbidden, ReasonForbidden)
}

// checkSeat refuses a role that does not fit the organisation. It returns the
// organisation, nil for roles without one.
func checkSeat(ctx context.Context, q Queries, seat Seat) (*Org, error) {
	switch seat.Role {
	case RoleAdmin, RoleCandidate:
		if seat.OrgID != 0 {
			return nil, refuse(Invalid, ReasonRoleNeedsNoOrg)
		}
		return nil, nil //nolint:nilnil // these roles belong to no organisation
	case RolePartnerRep, RoleOperatorRep, RoleCenterStaff:
		if seat.OrgID == 0 {
			return nil, refuse(Invalid, ReasonRoleNeedsOrg)
		}
	case roleSystem:
		fallthrough
	default:
		return nil, refuse(Invalid, ReasonRoleUnknown)
	}
	o, err := q.Org(ctx, seat.OrgID)
	if err != nil {
		return nil, fmt.Errorf("organisation %d: %w", seat.OrgID, err)
	}
	if o.Kind.Staff() != seat.Role {
		return nil, refuse(Invalid, ReasonRoleOrg)
	}
	return o, nil
}

// Colleagues shows who sits in a role of an organisation, from offset on, at
// most limit. Whoever may not see it learns not even whether there is such an
// organisation.
func (s *People) Colleagues(ctx context.Context, by Actor, seat Seat, offset, limit int) (Colleagues, error) {
	if !mayStaff(by, seat) {
		return Colleagues{}, refuse(NotFound, ReasonNotFound)
	}
	o, err := checkSeat(ctx, s.store, seat)
	if err != nil {
		return Colleagues{}, err
	}
	out := Colleagues{Seat: seat, Org: o}
	if out.List, err = s.store.ColleaguesPage(ctx, seat, offset, limit); err != nil {
		return Colleagues{}, fmt.Errorf("people of %s in %d: %w", seat.Role, seat.OrgID, err)
	}
	if out.Total, err = s.store.ColleaguesCount(ctx, seat); err != nil {
		return Colleagues{}, fmt.Errorf("count people of %s in %d: %w", seat.Role, seat.OrgID, err)
	}
	if out.Open, err = s.store.InvitationsCount(ctx, seat, s.now()); err != nil {
		return Colleagues{}, fmt.Errorf("count invitations of %s in %d: %w", seat.Role, seat.OrgID, err)
	}
	return out, nil
}

// Seated is a person in a seat, before somebody decides to remove them.
type Seated struct {
	Membership Membership
	Person     Person
	Org        *Org // nil for admins
}

// Colleague shows one person in a seat. A seat that was left is a Conflict that
// tells who ended it.
func (s *People) Colleague(ctx context.Context, by Actor, membershipID int64) (*Seated, error) {
	return s.seated(ctx, s.store, by, membershipID)
}

func (s *People) seated(ctx context.Context, q Queries, by Actor, membershipID int64) (*Seated, error) {
	m, err := q.Membership(ctx, membershipID)
	if err != nil {
		return nil, fmt.Errorf("membership %d: %w", membershipID, err)
	}
	if !mayStaff(by, m.Seat()) {
		return nil, refuse(NotFound, ReasonNotFound)
	}
	p, err := q.Person(ctx, m.PersonID)
	if err != nil {
		return nil, fmt.Errorf("person %d: %w", m.PersonID, err)
	}
	if m.RemovedAt != nil {
		return nil, s.gone(ctx, q, by, p, m)
	}
	out := &Seated{Membership: *m, Person: *p}
	if m.OrgID != 0 {
		if out.Org, err = q.Org(ctx, m.OrgID); err != nil {
			return nil, fmt.Errorf("organisation %d: %w", m.OrgID, err)
		}
	}
	return out, nil
}

// gone is the refusal that tells who ended a membership.
func (s *People) gone(ctx context.Context, q Queries, by Actor, p *Person, m *Membership) error {
	loc, err := zoneOf(by.Zone)
	if err != nil {
		return err
	}
	g := Gone{Name: p.Name, On: DayOf(*m.RemovedAt, loc)}
	if m.RemovedBy != 0 {
		remover, err := q.Person(ctx, m.RemovedBy)
		if err != nil {
			return fmt.Errorf("person %d: %w", m.RemovedBy, err)
		}
		g.By = remover.Name
	}
	return refuseWith(Conflict, ReasonAlreadyRemoved, g)
}

// Remove ends a person's seat: their rights end with their next press, and the
// open invitations that they could no longer make end with it. Reviews that they
// have taken are given back by Acts.ExpireReviews. Somebody stays in every role
// of an organisation, also when two people remove each other at once: for the
// last one it is ReasonLastOne.
func (s *People) Remove(ctx context.Context, by Actor, membershipID int64) (*Seated, error) {
	var out *Seated
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		m, err := tx.Membership(ctx, membershipID)
		if err != nil {
			return fmt.Errorf("membership %d: %w", membershipID, err)
		}
		if !mayStaff(by, m.Seat()) {
			return refuse(NotFound, ReasonNotFound)
		}
		standing, err := tx.MembershipsForUpdate(ctx, m.Seat())
		if err != nil {
			return fmt.Errorf("hold the people of %s in %d: %w", m.Role, m.OrgID, err)
		}
		if err := still(ctx, tx, by, m.Seat()); err != nil {
			return err
		}
		// Read again: it may have ended while this transaction waited.
		if out, err = s.seated(ctx, tx, by, membershipID); err != nil {
			return err
		}
		if len(standing) < 2 {
			return refuse(Conflict, ReasonLastOne)
		}
		now := s.now().UTC()
		out.Membership.RemovedAt, out.Membership.RemovedBy = &now, by.PersonID
		if err := tx.EndMembership(ctx, &out.Membership); err != nil {
			return fmt.Errorf("end membership %d: %w", membershipID, err)
		}
		if err := s.revokeAbandoned(ctx, tx, by, m.PersonID); err != nil {
			return err
		}
		return s.note(ctx, tx, by.PersonID, m, "removed", string(m.Role), "")
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// note writes a change of a seat into the history of the person and of the
// organisation; organisation 0 is the installation, whose staff are its admins.
func (s *People) note(ctx context.Context, tx Tx, by int64, m *Membership, event, from, to string) error {
	h := History{At: s.now().UTC(), PersonID: by, Event: event, FromStatus: from, ToStatus: to}
	h.Subject, h.SubjectID = SubjectOrg, m.OrgID
	if err := tx.AddHistory(ctx, h); err != nil {
		return fmt.Errorf("history of organisation %d: %w", m.OrgID, err)
	}
	h.Subject, h.SubjectID = SubjectPerson, m.PersonID
	if err := tx.AddHistory(ctx, h); err != nil {
		return fmt.Errorf("history of person %d: %w", m.PersonID, err)
	}
	return nil
}

// MarkUnreachable writes down that a person's chat refuses messages, for it is
// blocked or gone, and keeps the time of the first refusal.
func (s *People) MarkUnreachable(ctx context.Context, personID int64, since time.Time) error {
	since = since.UTC()
	return s.reachable(ctx, personID, &since, "unreachable")
}

// MarkReachable takes that back: the person has written again. It is cheap to
// call only for an Actor that says Unreachable.
func (s *People) MarkReachable(ctx context.Context, personID int64) error {
	return s.reachable(ctx, personID, nil, "reachable")
}

func (s *People) reachable(ctx context.Context, personID int64, since *time.Time, event string) error {
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		changed, err := tx.SetReachable(ctx, personID, since)
		if err != nil || !changed {
			return err
		}
		if since == nil {
			if err := deliverAgain(ctx, tx, personID, s.now()); err != nil {
				return err
			}
		}
		return tx.AddHistory(ctx, History{
			Subject: SubjectPerson, SubjectID: personID, At: s.now().UTC(), Event: event,
		})
	})
}

// Settings shows the actor's own row.
func (s *People) Settings(ctx context.Context, by Actor) (*Person, error) {
	return s.store.Person(ctx, by.PersonID)
}

// SetMuted turns the actor's own reminders off and on.
func (s *People) SetMuted(ctx context.Context, by Actor, muted bool) (*Person, error) {
	event := "unmuted"
	if muted {
		event = "muted"
	}
	return s.set(ctx, by, event, "", func(ctx context.Context, tx Tx, p *Person) (bool, error) {
		if p.Muted == muted {
			return false, nil
		}
		p.Muted = muted
		return true, tx.SetMuted(ctx, p.ID, muted)
	})
}

// SetLanguage chooses the language of the actor's own texts.
func (s *People) SetLanguage(ctx context.Context, by Actor, language string) (*Person, error) {
	if !slices.Contains(Languages, language) {
		return nil, refuse(Invalid, ReasonLanguageUnknown)
	}
	return s.set(ctx, by, "language", language, func(ctx context.Context, tx Tx, p *Person) (bool, error) {
		if p.Language == language {
			return false, nil
		}
		p.Language = language
		return true, tx.SetLanguage(ctx, p.ID, language)
	})
}

// set changes the actor's own row and writes that down, unless it is so already.
func (s *People) set(ctx context.Context, by Actor, event, to string,
	change func(context.Context, Tx, *Person) (bool, error),
) (*Person, error) {
	var out *Person
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		p, err := tx.Person(ctx, by.PersonID)
		if err != nil {
			return fmt.Errorf("person %d: %w", by.PersonID, err)
		}
		out = p
		changed, err := change(ctx, tx, p)
		if err != nil || !changed {
			return err
		}
		return tx.AddHistory(ctx, History{
			Subject: SubjectPerson, SubjectID: p.ID, At: s.now().UTC(), PersonID: p.ID, Event: event, ToStatus: to,
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
