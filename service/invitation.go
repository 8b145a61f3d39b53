package service

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"time"
	"unicode/utf8"
)

// The refusals of invitations. A link that was never given out, that is used,
// expired or revoked, and any link of somebody who guesses too often, are one
// refusal: whoever tries learns nothing.
const (
	ReasonInvitationInvalid   Reason = "invitation.invalid"
	ReasonInvitationCandidate Reason = "invitation.candidate" // candidates are invited by their application
	ReasonInvitationEnded     Reason = "invitation.ended"     // used, expired or revoked since it was listed
)

// invitationLife is how long a link can be used. Source: the product's owner.
const invitationLife = 7 * 24 * time.Hour

// tokenBytes is the size of a token: 128 random bits, 22 letters in base64url,
// within the 64 letters A-Za-z0-9_- of a start payload.
// Source: Telegram Bot API, deep linking.
const tokenBytes = 16

// maxToken is the longest start payload in bytes. Source: the same.
const maxToken = 64

// Wrong guesses of one Telegram user: the first freeGuesses cost nothing, for
// links are mistyped; each further one makes the next wait twice as long, up to
// maxGuessWait. With 2^128 tokens this bounds load and noise, not the odds.
const (
	freeGuesses  = 2
	minGuessWait = time.Minute
	maxGuessWait = time.Hour
)

// Invitation is a one-use link into a seat. Its token is not kept, only the
// SHA-256 of it.
type Invitation struct {
	ID        int64 `bun:",pk,autoincrement"`
	TokenHash []byte
	Role      Role
	OrgID     int64     `bun:",nullzero"` // 0 for admins
	Name      string    // whom it is for
	CreatedAt time.Time // UTC
	CreatedBy int64     `bun:",nullzero"` // 0: from the command line
	ExpiresAt time.Time // UTC
	UsedAt    *time.Time
	UsedBy    int64 `bun:",nullzero"`
	RevokedAt *time.Time
	RevokedBy int64 `bun:",nullzero"`
	UpdateID  int64 `bun:",nullzero"` // of the chat in which it was asked for: the same one again makes no second

	ApplicationID int64 `bun:",nullzero"` // of a candidate; 0 for staff

	By string `bun:",scanonly"` // name of who invites, "" from the command line
}

// Seat is where the link leads.
func (i *Invitation) Seat() Seat { return Seat{Role: i.Role, OrgID: i.OrgID} }

// Open tells whether the link can be used at that moment.
func (i *Invitation) Open(now time.Time) bool {
	return i.UsedAt == nil && i.RevokedAt == nil && now.Before(i.ExpiresAt)
}

// Guesses counts the wrong start payloads of one Telegram user since the last
// right one.
type Guesses struct {
	TelegramID int64 `bun:",pk"`
	Count      int
	NextAt     time.Time // UTC; no token is looked at before
}

// wrong counts one more.
func (g *Guesses) wrong(now time.Time) {
	g.Count++
	g.NextAt = now
	if over := g.Count - freeGuesses; over > 0 {
		// 2^6 minutes are over an hour; more would overflow in the end.
		g.NextAt = now.Add(min(minGuessWait<<min(over-1, 6), maxGuessWait))
	}
}

// InvitationQueries asks about invitations.
type InvitationQueries interface {
	// Invitation returns NotFound when there is none.
	Invitation(ctx context.Context, id int64) (*Invitation, error)
	// InvitationsPage lists those into a seat that can be used at that moment,
	// newest first, from offset on, at most limit.
	InvitationsPage(ctx context.Context, seat Seat, now time.Time, offset, limit int) ([]Invitation, error)
	// InvitationsCount counts them.
	InvitationsCount(ctx context.Context, seat Seat, now time.Time) (int, error)
	// InvitationByHash returns the invitation with this hash of its token,
	// whatever became of it, or NotFound.
	InvitationByHash(ctx context.Context, hash []byte) (*Invitation, error)
}

// InvitationCommands changes invitations.
type InvitationCommands interface {
	// RenewInvitation gives the open invitation that the same person has made with
	// the same update the token and the times of i, and sets i's ID. It reports
	// false when there is none; updates are counted from 1.
	RenewInvitation(ctx context.Context, i *Invitation) (bool, error)
	// AddInvitation inserts the invitation and sets its ID.
	AddInvitation(ctx context.Context, i *Invitation) error
	// AddInvitations inserts invitations; their IDs are not set.
	AddInvitations(ctx context.Context, list []Invitation) error
	// EndInvitationsOf revokes the open invitations that a person has made with an
	// update of the chat.
	EndInvitationsOf(ctx context.Context, personID, updateID int64, now time.Time) error
	// EndApplicationInvitations revokes the open invitations of applications. By is
	// 0 when one was linked.
	EndApplicationInvitations(ctx context.Context, applicationIDs []int64, by int64, now time.Time) error
	// InvitationForUpdate is Invitation and holds it until the transaction ends.
	InvitationForUpdate(ctx context.Context, id int64) (*Invitation, error)
	// InvitationByHashForUpdate returns the invitation with this hash of its
	// token, whatever became of it, and holds it; or NotFound.
	InvitationByHashForUpdate(ctx context.Context, hash []byte) (*Invitation, error)
	// InvitationsByForUpdate lists those that a person made and that are neither
	// used nor revoked, and holds them.
	InvitationsByForUpdate(ctx context.Context, personID int64) ([]Invitation, error)
	// EndInvitation writes UsedAt, UsedBy, RevokedAt and RevokedBy.
	EndInvitation(ctx context.Context, i *Invitation) error
	// GuessesForUpdate returns the count of a Telegram user, zero at first, and
	// holds it until the transaction ends.
	GuessesForUpdate(ctx context.Context, telegramID int64, now time.Time) (*Guesses, error)
	// SaveGuesses writes the count.
	SaveGuesses(ctx context.Context, g *Guesses) error
	// DropGuesses forgets it.
	DropGuesses(ctx context.Context, telegramID int64) error
}

// Invite makes a one-use link into a seat for the person called name, and
// returns its token, which is nowhere kept, and the invitation. Admins invite
// anybody; employees invite into their own organisation and role. It expires in
// 7 days.
func (s *People) Invite(ctx context.Context, by Actor, seat Seat, name string) (string, *Invitation, error) {
	return s.InviteOnce(ctx, by, seat, name, 0)
}

// InviteOnce is Invite for an update of the chat. If the update has made an
// invitation before that nobody has used, its link gives way to a new one: the
// old one is kept nowhere, and may have reached nobody.
func (s *People) InviteOnce(ctx context.Context, by Actor, seat Seat, name string, updateID int64) (string, *Invitation, error) {
	if seat.Role == RoleCandidate {
		return "", nil, refuse(Invalid, ReasonInvitationCandidate)
	}
	if !mayStaff(by, seat) {
		return "", nil, refuse(Forbidden, ReasonForbidden)
	}
	name, err := checkPersonName(name)
	if err != nil {
		return "", nil, err
	}
	token, err := newToken(s.random)
	if err != nil {
		return "", nil, err
	}
	now := s.now().UTC()
	inv := &Invitation{
		TokenHash: hashToken(token), Role: seat.Role, OrgID: seat.OrgID, Name: name,
		CreatedAt: now, CreatedBy: by.PersonID, ExpiresAt: now.Add(invitationLife), By: by.Name, UpdateID: updateID,
	}
	err = s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		if err := still(ctx, tx, by, seat); err != nil {
			return err
		}
		if _, err := checkSeat(ctx, tx, seat); err != nil {
			return err
		}
		renewed, err := tx.RenewInvitation(ctx, inv)
		if err != nil || renewed {
			return err
		}
		if err := tx.AddInvitation(ctx, inv); err != nil {
			return fmt.Errorf("add invitation: %w", err)
		}
		return s.noteInvitation(ctx, tx, by.PersonID, inv, "invited")
	})
	if err != nil {
		return "", nil, err
	}
	return token, inv, nil
}

// CheckPersonName returns the name as it will be kept, or ReasonPersonName.
func (s *People) CheckPersonName(name string) (string, error) { return checkPersonName(name) }

func checkPersonName(name string) (string, error) {
	name = PlainName(name)
	if name == "" || utf8.RuneCountInString(name) > maxPersonName {
		return "", refuseWith(Invalid, ReasonPersonName, maxPersonName)
	}
	return name, nil
}

// newToken draws a new token from a source fit for secrets.
func newToken(random io.Reader) (string, error) {
	raw := make([]byte, tokenBytes)
	if _, err := io.ReadFull(random, raw); err != nil {
		return "", fmt.Errorf("draw a token: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

// hashToken is what is kept of a token. A token has 128 random bits, so a plain
// hash cannot be searched and needs no salt.
func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// noteInvitation writes a change of an invitation into the history of its
// organisation, of its application when it is a candidate's; organisation 0 is
// the installation, whose staff are its admins.
func (s *People) noteInvitation(ctx context.Context, tx Tx, by int64, inv *Invitation, event string) error {
	h := History{
		Subject: SubjectOrg, SubjectID: inv.OrgID, At: s.now().UTC(), PersonID: by,
		Event: event, ToStatus: string(inv.Role), Comment: inv.Name,
	}
	if inv.ApplicationID != 0 {
		h.Subject, h.SubjectID, h.ToStatus, h.Comment = SubjectApplication, inv.ApplicationID, "", ""
	}
	if err := tx.AddHistory(ctx, h); err != nil {
		return fmt.Errorf("history of %s %d: %w", h.Subject, h.SubjectID, err)
	}
	return nil
}

// Arrival is what a link led to.
type Arrival struct {
	Actor   Actor // with the new seat
	Seat    Seat
	Org     *Org // nil for admins
	Already bool // they sat there before

	Application *Application // of a candidate's link; nil for staff
	Asked       bool         // a candidate's link: an answer is awaited, and nothing else is told
}

// AcceptInput is who presses a link.
type AcceptInput struct {
	TelegramID int64
	Language   string // of their Telegram
	Chosen     string // language that they chose before; "" for none
	Token      string
}

// Accept lets a Telegram user in by a link. The person is called as the
// invitation calls them; a Telegram user who is a person already gets one more
// seat. The link is used up, even if they sat in that seat before.
//
// A candidate's link brings a certificate, and slips get swapped: whoever opens one
// is only asked for the day of birth of its candidate, see Candidates.ClaimLink,
// unless the application is theirs already. What they had begun to say to find their
// applications is forgotten. Nothing is used up by that.
//
// Of two people who press one link at the same moment one gets in. Everything
// else is ReasonInvitationInvalid: wrong, used, expired, revoked, and any token
// at all while this Telegram user is slowed down after wrong ones. Only the one
// who used a link gets in by it again while the seat stands: a message repeated
// after a lost connection must not turn a welcome into a refusal.
func (s *People) Accept(ctx context.Context, in AcceptInput) (Arrival, error) {
	var (
		out   Arrival
		wrong bool // the count must be committed, so it is no error inside
	)
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		out, wrong = Arrival{}, false
		now := s.now().UTC()
		g, err := tx.GuessesForUpdate(ctx, in.TelegramID, now)
		if err != nil {
			return fmt.Errorf("hold guesses: %w", err)
		}
		if now.Before(g.NextAt) {
			wrong = true
			return nil
		}
		inv, a, err := s.usable(ctx, tx, in, now)
		if err != nil {
			return err
		}
		if inv == nil {
			wrong = true
			g.wrong(now)
			return tx.SaveGuesses(ctx, g)
		}
		if err := tx.DropGuesses(ctx, in.TelegramID); err != nil {
			return fmt.Errorf("drop guesses: %w", err)
		}
		switch {
		case a == nil:
			out, err = s.seat(ctx, tx, in, inv, now)
		case a.PersonID != 0: // theirs
			out, err = s.seatByLink(ctx, tx, in, inv, a, now)
		default:
			out, err = Arrival{Asked: true}, askBorn(ctx, tx, in.TelegramID, inv.ID, now)
		}
		return err
	})
	if err != nil {
		return Arrival{}, err
	}
	if wrong {
		return Arrival{}, refuse(Invalid, ReasonInvitationInvalid)
	}
	return out, nil
}

// usable returns the invitation of a token and holds it, or nil for a token that
// lets this Telegram user in nowhere. With a candidate's link it returns the
// application, held before the link as everywhere.
func (s *People) usable(ctx context.Context, tx Tx, in AcceptInput, now time.Time) (*Invitation, *Application, error) {
	if in.Token == "" || len(in.Token) > maxToken {
		return nil, nil, nil
	}
	hash := hashToken(in.Token)
	seen, err := tx.InvitationByHash(ctx, hash)
	if err != nil {
		if AsError(err).Kind == NotFound {
			return nil, nil, nil
		}
		return nil, nil, fmt.Errorf("find invitation: %w", err)
	}
	if seen.ApplicationID != 0 {
		inv, a, err := leading(ctx, tx, in.TelegramID, seen.ID, now)
		if err != nil || inv == nil || !bytes.Equal(inv.TokenHash, hash) { // it was given another token meanwhile
			return nil, nil, err
		}
		return inv, a, nil
	}
	inv, err := tx.InvitationByHashForUpdate(ctx, hash)
	if err != nil {
		return nil, nil, fmt.Errorf("find invitation: %w", err)
	}
	if inv.Open(now) {
		return inv, nil, nil
	}
	if inv.UsedAt == nil {
		return nil, nil, nil
	}
	// The one who used it, while that still holds.
	by, err := tx.ActorByTelegram(ctx, in.TelegramID)
	if err != nil {
		if AsError(err).Kind == NotFound {
			return nil, nil, nil
		}
		return nil, nil, fmt.Errorf("who presses: %w", err)
	}
	if by.PersonID != inv.UsedBy || !slices.Contains(by.Seats, inv.Seat()) {
		return nil, nil, nil
	}
	return inv, nil, nil
}

// leading returns a candidate's link with its application and holds both, or nil
// for a link that lets this Telegram user in nowhere. To staff, who must not use it,
// it is ReasonCandidateStaff.
func leading(ctx context.Context, tx Tx, telegramID, invitationID int64, now time.Time) (*Invitation, *Application, error) {
	seen, err := tx.Invitation(ctx, invitationID)
	if err != nil {
		return nil, nil, fmt.Errorf("invitation %d: %w", invitationID, err)
	}
	a, err := holdApplication(ctx, tx, seen.ApplicationID)
	if err != nil {
		return nil, nil, err
	}
	inv, err := tx.InvitationForUpdate(ctx, invitationID)
	if err != nil {
		return nil, nil, fmt.Errorf("invitation %d: %w", invitationID, err)
	}
	leads, err := leadsTo(ctx, tx, telegramID, inv, a, now)
	if err != nil || !leads {
		return nil, nil, err
	}
	if a.PersonID == 0 {
		if err := notOfStaff(ctx, tx, telegramID, a); err != nil {
			return nil, nil, err
		}
	}
	return inv, a, nil
}

// askBorn awaits the day of birth of whoever has opened a candidate's link.
func askBorn(ctx context.Context, tx Tx, telegramID, invitationID int64, now time.Time) error {
	c, err := tx.ClaimForUpdate(ctx, telegramID, now)
	if err != nil {
		return fmt.Errorf("hold claim: %w", err)
	}
	c.forget()
	c.Step, c.InvitationID, c.UpdatedAt = ClaimLink, invitationID, now
	if err := tx.SaveClaim(ctx, c); err != nil {
		return fmt.Errorf("save claim: %w", err)
	}
	return nil
}

// leadsTo tells whether a candidate's link lets a Telegram user to its
// application: it can be used and the application belongs to nobody, or this
// very person has the application already. A link that somebody else has used,
// or that ended because the application was linked, leads nowhere.
func leadsTo(ctx context.Context, tx Tx, telegramID int64, inv *Invitation, a *Application, now time.Time) (bool, error) {
	if a.PersonID == 0 {
		return inv.Open(now), nil
	}
	p, err := tx.PersonByTelegram(ctx, telegramID)
	if err != nil {
		if AsError(err).Kind == NotFound {
			return false, nil
		}
		return false, fmt.Errorf("who presses: %w", err)
	}
	return p.ID == a.PersonID, nil
}

// seat gives the Telegram user the invitation's seat and uses it up.
func (s *People) seat(ctx context.Context, tx Tx, in AcceptInput, inv *Invitation, now time.Time) (Arrival, error) {
	// Those who work here read the default language.
	p, err := tx.PersonForTelegram(ctx, Person{Name: inv.Name, TelegramID: in.TelegramID, Language: Languages[0]})
	if err != nil {
		return Arrival{}, fmt.Errorf("enter person: %w", err)
	}
	if _, err := tx.SetReachable(ctx, p.ID, nil); err != nil {
		return Arrival{}, fmt.Errorf("person %d: %w", p.ID, err)
	}
	m := &Membership{PersonID: p.ID, OrgID: inv.OrgID, Role: inv.Role, AddedAt: now, AddedBy: inv.CreatedBy}
	added, err := tx.AddMembership(ctx, m)
	if err != nil {
		return Arrival{}, fmt.Errorf("seat person %d: %w", p.ID, err)
	}
	if inv.UsedAt == nil {
		inv.UsedAt, inv.UsedBy = &now, p.ID
		if err := tx.EndInvitation(ctx, inv); err != nil {
			return Arrival{}, fmt.Errorf("use invitation %d: %w", inv.ID, err)
		}
	}
	if added {
		if err := s.note(ctx, tx, p.ID, m, "joined", "", string(m.Role)); err != nil {
			return Arrival{}, err
		}
	}
	out := Arrival{Seat: inv.Seat(), Already: !added}
	if out.Actor, err = tx.ActorByID(ctx, p.ID); err != nil {
		return Arrival{}, fmt.Errorf("person %d: %w", p.ID, err)
	}
	if inv.OrgID != 0 {
		if out.Org, err = tx.Org(ctx, inv.OrgID); err != nil {
			return Arrival{}, fmt.Errorf("organisation %d: %w", inv.OrgID, err)
		}
	}
	return out, nil
}

// seatCandidate is who becomes a candidate.
type seatCandidate struct {
	telegramID int64
	name       string
	language   string
	chosen     bool // the language was chosen by the person, not guessed
	addedBy    int64
	now        time.Time
}

// seatCandidate gives a Telegram user the seat of a candidate, if they do not have
// it, and returns the person. Who works here keeps the language that they read,
// unless they chose another.
func (s *People) seatCandidate(ctx context.Context, tx Tx, in seatCandidate) (*Person, error) {
	p, err := tx.PersonForTelegram(ctx, Person{Name: in.name, TelegramID: in.telegramID, Language: in.language})
	if err != nil {
		return nil, fmt.Errorf("enter person: %w", err)
	}
	if _, err := tx.SetReachable(ctx, p.ID, nil); err != nil {
		return nil, fmt.Errorf("person %d: %w", p.ID, err)
	}
	before, err := tx.ActorByID(ctx, p.ID)
	if err != nil && AsError(err).Kind != NotFound {
		return nil, fmt.Errorf("person %d: %w", p.ID, err)
	}
	m := &Membership{PersonID: p.ID, Role: RoleCandidate, AddedAt: in.now, AddedBy: in.addedBy}
	added, err := tx.AddMembership(ctx, m)
	if err != nil || !added {
		return p, err
	}
	if p.Language != in.language && (in.chosen || before.PersonID == 0) {
		p.Language = in.language
		if err := tx.SetLanguage(ctx, p.ID, in.language); err != nil {
			return nil, fmt.Errorf("person %d: %w", p.ID, err)
		}
	}
	return p, s.note(ctx, tx, p.ID, m, "joined", "", string(m.Role))
}

// seatByLink gives the Telegram user the application of a candidate's link, and
// uses the link up.
func (s *People) seatByLink(ctx context.Context, tx Tx, in AcceptInput, inv *Invitation, a *Application, now time.Time) (Arrival, error) {
	p, err := s.seatCandidate(ctx, tx, seatCandidate{
		telegramID: in.TelegramID, name: a.Name(), language: candidateLanguage(in.Chosen, a.Language, in.Language),
		chosen: in.Chosen != "", addedBy: inv.CreatedBy, now: now,
	})
	if err != nil {
		return Arrival{}, err
	}
	out := Arrival{Seat: inv.Seat(), Application: a, Already: a.PersonID == p.ID}
	if inv.Open(now) {
		inv.UsedAt, inv.UsedBy = &now, p.ID
		if err := tx.EndInvitation(ctx, inv); err != nil {
			return Arrival{}, fmt.Errorf("use invitation %d: %w", inv.ID, err)
		}
	}
	if !out.Already {
		if err := link(ctx, tx, a, p, stepLinked, now); err != nil {
			return Arrival{}, err
		}
	}
	if out.Actor, err = tx.ActorByID(ctx, p.ID); err != nil {
		return Arrival{}, fmt.Errorf("person %d: %w", p.ID, err)
	}
	return out, nil
}

// Invitations lists the links into a seat that can still be used, newest first,
// from offset on, at most limit, and counts all.
func (s *People) Invitations(ctx context.Context, by Actor, seat Seat, offset, limit int) ([]Invitation, int, error) {
	if !mayStaff(by, seat) {
		return nil, 0, refuse(NotFound, ReasonNotFound)
	}
	now := s.now()
	list, err := s.store.InvitationsPage(ctx, seat, now, offset, limit)
	if err != nil {
		return nil, 0, fmt.Errorf("invitations of %s in %d: %w", seat.Role, seat.OrgID, err)
	}
	n, err := s.store.InvitationsCount(ctx, seat, now)
	if err != nil {
		return nil, 0, fmt.Errorf("count invitations of %s in %d: %w", seat.Role, seat.OrgID, err)
	}
	return list, n, nil
}

// Revoke makes a link useless. Whoever may invite into its seat may revoke it.
// Revoking twice changes nothing; a link that is used or expired is
// ReasonInvitationEnded.
func (s *People) Revoke(ctx context.Context, by Actor, invitationID int64) (*Invitation, error) {
	var out *Invitation
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		inv, err := tx.InvitationForUpdate(ctx, invitationID)
		if err != nil {
			return fmt.Errorf("invitation %d: %w", invitationID, err)
		}
		if !mayStaff(by, inv.Seat()) {
			return refuse(NotFound, ReasonNotFound)
		}
		if err := still(ctx, tx, by, inv.Seat()); err != nil {
			return err
		}
		out = inv
		if inv.RevokedAt != nil {
			return nil
		}
		now := s.now().UTC()
		if !inv.Open(now) {
			return refuse(Conflict, ReasonInvitationEnded)
		}
		return s.revoke(ctx, tx, by.PersonID, inv, now)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *People) revoke(ctx context.Context, tx Tx, by int64, inv *Invitation, now time.Time) error {
	inv.RevokedAt, inv.RevokedBy = &now, by
	if err := tx.EndInvitation(ctx, inv); err != nil {
		return fmt.Errorf("revoke invitation %d: %w", inv.ID, err)
	}
	return s.noteInvitation(ctx, tx, by, inv, "revoked")
}

// revokeAbandoned revokes the open links of a person who has just lost a seat,
// as far as their other seats do not allow them: else they could let themselves
// in again.
func (s *People) revokeAbandoned(ctx context.Context, tx Tx, by Actor, personID int64) error {
	left, err := tx.ActorByID(ctx, personID)
	if err != nil && AsError(err).Kind != NotFound {
		return fmt.Errorf("person %d: %w", personID, err)
	}
	open, err := tx.InvitationsByForUpdate(ctx, personID)
	if err != nil {
		return fmt.Errorf("invitations of person %d: %w", personID, err)
	}
	now := s.now().UTC()
	for i := range open {
		// Slips to candidates outlive a change of seats while the person still works
		// in a center.
		if mayStaff(left, open[i].Seat()) || open[i].ApplicationID != 0 && left.Has(RoleCenterStaff) {
			continue
		}
		if err := s.revoke(ctx, tx, by.PersonID, &open[i], now); err != nil {
			return err
		}
	}
	return nil
}
