export const DEFAULT_LOCATION = "westeurope";
