// Empty: that the package has an assembly file lets it declare functions of the runtime without a body.
