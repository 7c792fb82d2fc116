"""A person's choice in one of the page's selects."""


def choose(page, label, option):
    """Open the select of that label and take the option."""
    page.get_by_role("combobox", name=label, exact=True).click()
    page.get_by_role("menuitem", name=option, exact=True).click()
