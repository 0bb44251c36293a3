export { BackupPage } from "./BackupPage";
export { BrandPage, Brands, NewBrand } from "./Brands";
export { CertificatePage } from "./CertificatePage";
export { Certificates } from "./Certificates";
export { MailPage } from "./MailPage";
export { NewCertificate } from "./NewCertificate";
export { ServerPage } from "./ServerPage";
export { SystemPage } from "./SystemPage";
export { WindowPage } from "./WindowPage";
