package bot

import (
	"context"

	"flowbot/service"
)

// Buttons of the menu.
const (
	pressMenu  Action = "mm" // «В меню»
	pressTasks Action = "mt" // «Мои задачи»
)

func (b *Bot) menuActions() []action {
	return []action{
		{pressMenu, "menu", b.menuScreen},
	}
}

// menuRows are the rows of the menu by role, in the order in which they are
// drawn; what two roles share is drawn once.
var menuRows = map[service.Role][][]Action{
	service.RolePartnerRep: {
		{pressTasks},
		{pressGenerate},
		{pressUpload, pressReplace},
		{pressCohorts, pressAct},
		{pressStaff, pressInvite},
		{pressSettings},
	},
	service.RoleOperatorRep: {
		{pressTasks},
		{pressQueue},
		{pressNext},
		{pressCohorts, pressAct},
		{pressStaff, pressInvite},
		{pressSettings},
	},
	service.RoleCenterStaff: {
		{pressTasks},
		{pressExams},
		{pressResults},
		{pressNumbers},
		{pressScans, pressQuestions},
		{pressCenter},
		{pressBlanks},
		{pressStaff, pressInvite},
		{pressSettings},
	},
	service.RoleCandidate: {{pressMine, pressLanguages}, {pressSettings}},
	service.RoleAdmin: {
		{pressTasks}, {pressTroubles}, {pressCohorts, pressAct}, {pressExams}, {pressStaff, pressInvite}, {pressSettings},
	},
}

// roleOrder is the order in which a person's roles are spoken of.
var roleOrder = []service.Role{
	service.RolePartnerRep, service.RoleOperatorRep, service.RoleCenterStaff, service.RoleCandidate, service.RoleAdmin,
}

// rolesOf lists the roles of a person, each once, in roleOrder.
func rolesOf(by service.Actor) []service.Role {
	var out []service.Role
	for _, r := range roleOrder {
		if by.Has(r) {
			out = append(out, r)
		}
	}
	return out
}

// menuView is what the menu and the help say.
type menuView struct {
	Name  string
	Roles []service.Role
}

// menu is the answer to /menu and /start of somebody who is known.
func (b *Bot) menu(_ context.Context, t *Turn) (Reply, error) {
	r := Reply{Text: "menu", Data: menuView{t.By.Name, rolesOf(t.By)}}
	seen := make(map[Action]bool)
	for _, role := range rolesOf(t.By) {
		for _, actions := range menuRows[role] {
			var buttons []Button
			for _, a := range actions {
				if !seen[a] {
					seen[a] = true
					buttons = append(buttons, Button{Press: Press{Do: a}})
				}
			}
			if buttons != nil {
				r.Rows = append(r.Rows, buttons)
			}
		}
	}
	return r, nil
}

// menuScreen is menu in the place of the pressed message. It leaves the open
// conversation; its files stay.
func (b *Bot) menuScreen(ctx context.Context, t *Turn) (Reply, error) {
	if err := b.leaveTalk(ctx, t); err != nil {
		return Reply{}, err
	}
	return edited(b.menu(ctx, t))
}

// help says what this person can do here.
func (b *Bot) help(ctx context.Context, t *Turn) (Reply, error) {
	r, err := b.menu(ctx, t)
	r.Text = "help"
	return r, err
}

// cards are the screens that show a thing as it is now, by the subject of its
// history.
func (b *Bot) cards() map[string]func(ctx context.Context, t *Turn, id int64) (Reply, error) {
	return map[string]func(ctx context.Context, t *Turn, id int64) (Reply, error){
		service.SubjectAct:         b.actCard,
		service.SubjectCohort:      b.cohortCard,
		service.SubjectExam:        b.examCard,
		service.SubjectProtocol:    b.protocolCard,
		service.SubjectApplication: b.applicationCard,
		service.SubjectCenter:      b.centerCard,
		service.SubjectPage:        b.pageCard,
		service.SubjectBatch:       b.batchCard,
	}
}

// looseFile takes a file that no conversation awaits: a table is loaded, what a
// partner's representative sends otherwise is for a package, and what the staff
// of a center send may be scans or a protocol.
func (b *Bot) looseFile(ctx context.Context, t *Turn) (Reply, error) {
	switch {
	case !t.File.Photo && service.IsTable(t.File.Name):
		return b.looseTable(ctx, t)
	case t.By.Has(service.RolePartnerRep) && t.By.Has(service.RoleCenterStaff):
		r, err := b.loosePackage(ctx, t)
		if r.Text == "loose_nothing_waits" {
			return b.looseScan(ctx, t)
		}
		return r, err
	case t.By.Has(service.RolePartnerRep):
		return b.loosePackage(ctx, t)
	case t.By.Has(service.RoleCenterStaff):
		return b.looseScan(ctx, t)
	}
	return Reply{Text: "loose_unneeded", Rows: [][]Button{row(Button{Press: Press{Do: pressMenu}})}}, nil
}
