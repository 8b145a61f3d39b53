package db

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"flowbot/service"
)

var (
	_ service.PeopleQueries  = queries{}
	_ service.PeopleCommands = tx{}
)

// seatOf is a row of a person and one of their seats.
type seatOf struct {
	ID          int64
	Name        string
	Language    string
	Unreachable bool
	Role        service.Role
	OrgID       int64
	Zone        string
}

// ActorByTelegram implements service.PeopleQueries. It runs at every update:
// one probe of people_telegram_id and one of memberships_once, and for candidates
// one of applications_person.
func (q queries) ActorByTelegram(ctx context.Context, telegramID int64) (service.Actor, error) {
	return q.actor(ctx, "p.telegram_id = ?", telegramID)
}

// ActorByID implements service.PeopleQueries.
func (q queries) ActorByID(ctx context.Context, personID int64) (service.Actor, error) {
	return q.actor(ctx, "p.id = ?", personID)
}

func (q queries) actor(ctx context.Context, who string, id int64) (service.Actor, error) {
	var rows []seatOf
	err := q.NewRaw(`
		SELECT p.id, p.name, p.language, p.unreachable_at IS NOT NULL AS unreachable,
		       m.role, coalesce(m.org_id, 0) AS org_id, coalesce(o.zone, CASE WHEN m.role = 'candidate' THEN (
		           SELECT c.zone FROM applications AS a JOIN exams AS e ON e.id = a.exam_id JOIN orgs AS c ON c.id = e.center_id
		           WHERE a.person_id = p.id ORDER BY a.id DESC LIMIT 1) END, '') AS zone
		FROM people AS p
		JOIN memberships AS m ON m.person_id = p.id AND m.removed_at IS NULL
		LEFT JOIN orgs AS o ON o.id = m.org_id
		WHERE `+who+`
		ORDER BY m.id`, id).Scan(ctx, &rows)
	if err != nil {
		return service.Actor{}, explain(err)
	}
	if len(rows) == 0 {
		return service.Actor{}, notFound()
	}
	a := service.Actor{
		PersonID: rows[0].ID, Name: rows[0].Name, Language: rows[0].Language,
		Zone: service.DefaultZone, Unreachable: rows[0].Unreachable,
		Seats: make([]service.Seat, 0, len(rows)),
	}
	for i := len(rows) - 1; i >= 0; i-- {
		if rows[i].Zone != "" {
			a.Zone = rows[i].Zone // in the end that of the first organisation; a candidate's is their center's
		}
	}
	for _, r := range rows {
		a.Seats = append(a.Seats, service.Seat{Role: r.Role, OrgID: r.OrgID})
	}
	return a, nil
}

// notFound is the answer to a question that no row answers.
func notFound() error {
	return &service.Error{Kind: service.NotFound, Reason: service.ReasonNotFound}
}

// Person implements service.PeopleQueries.
func (q queries) Person(ctx context.Context, id int64) (*service.Person, error) {
	p := new(service.Person)
	if err := q.NewSelect().Model(p).Where("id = ?", id).Scan(ctx); err != nil {
		return nil, explain(err)
	}
	return p, nil
}

// PersonByTelegram implements service.PeopleQueries.
func (q queries) PersonByTelegram(ctx context.Context, telegramID int64) (*service.Person, error) {
	p := new(service.Person)
	if err := q.NewSelect().Model(p).Where("telegram_id = ?", telegramID).Scan(ctx); err != nil {
		return nil, explain(err)
	}
	return p, nil
}

// Org implements service.PeopleQueries.
func (q queries) Org(ctx context.Context, id int64) (*service.Org, error) {
	o := new(service.Org)
	if err := q.NewSelect().Model(o).Where("id = ?", id).Scan(ctx); err != nil {
		return nil, explain(err)
	}
	return o, nil
}

// OperatorOrg implements service.PeopleQueries.
func (q queries) OperatorOrg(ctx context.Context) (*service.Org, error) {
	o := new(service.Org)
	if err := q.NewSelect().Model(o).Where("kind = ?", service.OrgOperator).Scan(ctx); err != nil {
		return nil, explain(err)
	}
	return o, nil
}

// OrgsPage implements service.PeopleQueries.
func (q queries) OrgsPage(ctx context.Context, offset, limit int) ([]service.Org, error) {
	var out []service.Org
	err := q.NewSelect().Model(&out).Order("kind", "name", "id").
		Offset(int64(offset)).Limit(int64(limit)).Scan(ctx)
	return out, explain(err)
}

// OrgsCount implements service.PeopleQueries.
func (q queries) OrgsCount(ctx context.Context) (int, error) {
	n, err := q.NewSelect().Model((*service.Org)(nil)).Count(ctx)
	return int(n), explain(err)
}

// inSeat keeps the rows, of the alias, of one role in one organisation.
func inSeat(alias string, seat service.Seat) func(*bun.SelectQuery) *bun.SelectQuery {
	return func(s *bun.SelectQuery) *bun.SelectQuery {
		s = s.Where("?.role = ?", bun.Ident(alias), seat.Role)
		if seat.OrgID == 0 {
			return s.Where("?.org_id IS NULL", bun.Ident(alias))
		}
		return s.Where("?.org_id = ?", bun.Ident(alias), seat.OrgID)
	}
}

// sittingIn keeps the memberships of a seat that stand.
func sittingIn(seat service.Seat) func(*bun.SelectQuery) *bun.SelectQuery {
	return func(s *bun.SelectQuery) *bun.SelectQuery {
		return s.Apply(inSeat("membership", seat)).Where("membership.removed_at IS NULL")
	}
}

// PeopleIn implements service.PeopleQueries.
func (q queries) PeopleIn(ctx context.Context, role service.Role, orgID int64, limit int) ([]int64, error) {
	var ids []int64
	err := q.NewSelect().Model((*service.Membership)(nil)).Column("person_id").
		Apply(sittingIn(service.Seat{Role: role, OrgID: orgID})).
		Order("person_id").Limit(int64(limit)).Scan(ctx, &ids)
	return ids, explain(err)
}

// PeopleWith implements service.PeopleQueries.
func (q queries) PeopleWith(ctx context.Context, role service.Role, limit int) ([]int64, error) {
	var ids []int64
	err := q.NewSelect().Model((*service.Membership)(nil)).ColumnExpr("DISTINCT person_id").
		Where("role = ?", role).Where("removed_at IS NULL").
		Order("person_id").Limit(int64(limit)).Scan(ctx, &ids)
	return ids, explain(err)
}

// ColleaguesPage implements service.PeopleQueries.
func (q queries) ColleaguesPage(ctx context.Context, seat service.Seat, offset, limit int) ([]service.Colleague, error) {
	var out []service.Colleague
	err := q.NewSelect().Model((*service.Membership)(nil)).
		ColumnExpr("membership.id AS membership_id, membership.person_id, p.name, membership.added_at AS since, p.unreachable_at").
		Join("JOIN people AS p ON p.id = membership.person_id").
		Apply(sittingIn(seat)).
		Order("p.name", "membership.id").
		Offset(int64(offset)).Limit(int64(limit)).Scan(ctx, &out)
	return out, explain(err)
}

// ColleaguesCount implements service.PeopleQueries.
func (q queries) ColleaguesCount(ctx context.Context, seat service.Seat) (int, error) {
	n, err := q.NewSelect().Model((*service.Membership)(nil)).Apply(sittingIn(seat)).Count(ctx)
	return int(n), explain(err)
}

// Membership implements service.PeopleQueries.
func (q queries) Membership(ctx context.Context, id int64) (*service.Membership, error) {
	m := new(service.Membership)
	if err := q.NewSelect().Model(m).Where("id = ?", id).Scan(ctx); err != nil {
		return nil, explain(err)
	}
	return m, nil
}

// AddOrg implements service.PeopleCommands.
func (t tx) AddOrg(ctx context.Context, o *service.Org) error {
	_, err := t.NewInsert().Model(o).Returning("id, created_at").Exec(ctx)
	return explain(err)
}

// PersonForTelegram implements service.PeopleCommands. The update that changes
// nothing is what locks a row that is there already.
func (t tx) PersonForTelegram(ctx context.Context, p service.Person) (*service.Person, error) {
	_, err := t.NewInsert().Model(&p).
		On("CONFLICT (telegram_id) DO UPDATE").Set("telegram_id = EXCLUDED.telegram_id").
		Returning("*").Exec(ctx)
	if err != nil {
		return nil, explain(err)
	}
	return &p, nil
}

// SetReachable implements service.PeopleCommands.
func (t tx) SetReachable(ctx context.Context, personID int64, unreachableAt *time.Time) (bool, error) {
	res, err := t.NewUpdate().Model((*service.Person)(nil)).
		Set("unreachable_at = ?", unreachableAt).
		Where("id = ?", personID).
		Where("(unreachable_at IS NULL) = ?", unreachableAt != nil).
		Exec(ctx)
	if err != nil {
		return false, explain(err)
	}
	n, err := res.RowsAffected()
	return n > 0, explain(err)
}

// SetMuted implements service.PeopleCommands.
func (t tx) SetMuted(ctx context.Context, personID int64, muted bool) error {
	res, err := t.NewUpdate().Model((*service.Person)(nil)).
		Set("muted = ?", muted).Where("id = ?", personID).Exec(ctx)
	if err != nil {
		return explain(err)
	}
	return oneRow(res, "person", personID)
}

// SetLanguage implements service.PeopleCommands.
func (t tx) SetLanguage(ctx context.Context, personID int64, language string) error {
	res, err := t.NewUpdate().Model((*service.Person)(nil)).
		Set("language = ?", language).Where("id = ?", personID).Exec(ctx)
	if err != nil {
		return explain(err)
	}
	return oneRow(res, "person", personID)
}

// HoldSeat implements service.PeopleCommands.
func (t tx) HoldSeat(ctx context.Context, personID int64, seat service.Seat) (bool, error) {
	var ids []int64
	err := t.NewSelect().Model((*service.Membership)(nil)).Column("id").
		Where("membership.person_id = ?", personID).Apply(sittingIn(seat)).
		For("SHARE").Scan(ctx, &ids)
	return len(ids) > 0, explain(err)
}

// MembershipsForUpdate implements service.PeopleCommands. The rows are locked by
// id, so that two callers cannot wait for each other.
func (t tx) MembershipsForUpdate(ctx context.Context, seat service.Seat) ([]service.Membership, error) {
	var out []service.Membership
	err := t.NewSelect().Model(&out).Apply(sittingIn(seat)).Order("membership.id").For("UPDATE").Scan(ctx)
	return out, explain(err)
}

// AddMembership implements service.PeopleCommands.
func (t tx) AddMembership(ctx context.Context, m *service.Membership) (bool, error) {
	res, err := t.NewInsert().Model(m).
		On("CONFLICT (person_id, role, coalesce(org_id, 0)) WHERE removed_at IS NULL DO NOTHING").
		Returning("id").Exec(ctx)
	if err != nil {
		return false, explain(err)
	}
	n, err := res.RowsAffected()
	return n > 0, explain(err)
}

// EndMembership implements service.PeopleCommands.
func (t tx) EndMembership(ctx context.Context, m *service.Membership) error {
	res, err := t.NewUpdate().Model(m).Column("removed_at", "removed_by").WherePK().Exec(ctx)
	if err != nil {
		return explain(err)
	}
	return oneRow(res, "membership", m.ID)
}

// Invitation implements service.InvitationQueries.
func (q queries) Invitation(ctx context.Context, id int64) (*service.Invitation, error) {
	i := new(service.Invitation)
	if err := q.NewSelect().Model(i).Where("id = ?", id).Scan(ctx); err != nil {
		return nil, explain(err)
	}
	return i, nil
}

// openInto keeps the invitations into a seat that can be used now.
func openInto(seat service.Seat, now time.Time) func(*bun.SelectQuery) *bun.SelectQuery {
	return func(s *bun.SelectQuery) *bun.SelectQuery {
		return s.Apply(inSeat("invitation", seat)).
			Where("invitation.used_at IS NULL AND invitation.revoked_at IS NULL").
			Where("invitation.expires_at > ?", now)
	}
}

// InvitationsPage implements service.InvitationQueries.
func (q queries) InvitationsPage(ctx context.Context, seat service.Seat, now time.Time, offset, limit int) ([]service.Invitation, error) {
	var out []service.Invitation
	err := q.NewSelect().Model(&out).ColumnExpr("invitation.*, coalesce(p.name, '') AS by").
		Join("LEFT JOIN people AS p ON p.id = invitation.created_by").
		Apply(openInto(seat, now)).
		Order("invitation.id DESC").
		Offset(int64(offset)).Limit(int64(limit)).Scan(ctx)
	return out, explain(err)
}

// InvitationsCount implements service.InvitationQueries.
func (q queries) InvitationsCount(ctx context.Context, seat service.Seat, now time.Time) (int, error) {
	n, err := q.NewSelect().Model((*service.Invitation)(nil)).Apply(openInto(seat, now)).Count(ctx)
	return int(n), explain(err)
}

// AddInvitation implements service.InvitationCommands.
func (t tx) AddInvitation(ctx context.Context, i *service.Invitation) error {
	_, err := t.NewInsert().Model(i).Returning("id").Exec(ctx)
	return explain(err)
}

// RenewInvitation implements service.InvitationCommands.
func (t tx) RenewInvitation(ctx context.Context, i *service.Invitation) (bool, error) {
	if i.UpdateID == 0 {
		return false, nil
	}
	var ids []int64
	err := t.NewUpdate().Model(i).Column("token_hash", "created_at", "expires_at").
		Where("update_id = ?", i.UpdateID).Where("created_by = ?", i.CreatedBy).Where("used_at IS NULL").Where("revoked_at IS NULL").
		Returning("id").Scan(ctx, &ids)
	if err != nil || len(ids) == 0 {
		return false, explain(err)
	}
	i.ID = ids[0]
	return true, nil
}

// InvitationForUpdate implements service.InvitationCommands.
func (t tx) InvitationForUpdate(ctx context.Context, id int64) (*service.Invitation, error) {
	i := new(service.Invitation)
	if err := t.NewSelect().Model(i).Where("id = ?", id).For("UPDATE").Scan(ctx); err != nil {
		return nil, explain(err)
	}
	return i, nil
}

// InvitationByHashForUpdate implements service.InvitationCommands.
func (t tx) InvitationByHashForUpdate(ctx context.Context, hash []byte) (*service.Invitation, error) {
	i := new(service.Invitation)
	if err := t.NewSelect().Model(i).Where("token_hash = ?", hash).For("UPDATE").Scan(ctx); err != nil {
		return nil, explain(err)
	}
	return i, nil
}

// InvitationsByForUpdate implements service.InvitationCommands.
func (t tx) InvitationsByForUpdate(ctx context.Context, personID int64) ([]service.Invitation, error) {
	var out []service.Invitation
	err := t.NewSelect().Model(&out).Where("created_by = ?", personID).
		Where("used_at IS NULL AND revoked_at IS NULL").
		Order("id").For("UPDATE").Scan(ctx)
	return out, explain(err)
}

// EndInvitation implements service.InvitationCommands.
func (t tx) EndInvitation(ctx context.Context, i *service.Invitation) error {
	res, err := t.NewUpdate().Model(i).Column("used_at", "used_by", "revoked_at", "revoked_by").WherePK().Exec(ctx)
	if err != nil {
		return explain(err)
	}
	return oneRow(res, "invitation", i.ID)
}

// GuessesForUpdate implements service.InvitationCommands. The update that
// changes nothing is what locks a row that is there already.
func (t tx) GuessesForUpdate(ctx context.Context, telegramID int64, now time.Time) (*service.Guesses, error) {
	g := &service.Guesses{TelegramID: telegramID, NextAt: now}
	_, err := t.NewInsert().Model(g).
		On("CONFLICT (telegram_id) DO UPDATE").Set("telegram_id = EXCLUDED.telegram_id").
		Returning("*").Exec(ctx)
	if err != nil {
		return nil, explain(err)
	}
	return g, nil
}

// SaveGuesses implements service.InvitationCommands.
func (t tx) SaveGuesses(ctx context.Context, g *service.Guesses) error {
	res, err := t.NewUpdate().Model(g).WherePK().Exec(ctx)
	if err != nil {
		return explain(err)
	}
	return oneRow(res, "guesses of", g.TelegramID)
}

// DropGuesses implements service.InvitationCommands.
func (t tx) DropGuesses(ctx context.Context, telegramID int64) error {
	_, err := t.NewDelete().Model((*service.Guesses)(nil)).Where("telegram_id = ?", telegramID).Exec(ctx)
	return explain(err)
}
