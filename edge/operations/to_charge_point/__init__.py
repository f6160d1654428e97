"""The operations that the central system initiates (OCPP 1.6 ed. 2 chapter 5).

Their requests are checked by the models of `contract.operations`, and most are sent as they are asked for. A module
here says what an operation needs beside that: what is filled in, what the answer changes.
"""
