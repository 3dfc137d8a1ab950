"""Webhooks: parties are told of events and advice as they are found, at an address of theirs.

`endpoints` has what parties ask and change, `sender` what is sent; docs/webhooks.md is the
receiver's side.
"""
