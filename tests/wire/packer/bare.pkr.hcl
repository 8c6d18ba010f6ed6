# Builds an image of a guest as it boots, without logging in to it: what simulated hosts can do as well.
variable "endpoint" {
  type        = string
  description = "Lodge's endpoint: $LODGE_ENDPOINT."
}

variable "region" {
  type    = string
  default = "us-east-1"
}

variable "source_ami" {
  type = string
}

variable "ami_name" {
  type    = string
  default = "packed"
}

source "amazon-ebs" "guest" {
  custom_endpoint_ec2        = var.endpoint
  region                     = var.region
  skip_region_validation     = true
  skip_credential_validation = true
  skip_metadata_api_check    = true
  communicator               = "none"
  ami_name                   = var.ami_name
  ami_description            = "Made by Packer"
  instance_type              = "t3.nano"
  source_ami                 = var.source_ami
  run_tags                   = { Made-by = "packer" }
  tags                       = { Made-by = "packer" }
  snapshot_tags              = { Kept-by = "packer" }

  launch_block_device_mappings {
    device_name           = "/dev/sdf"
    volume_size           = 2
    delete_on_termination = true
  }
}

build {
  sources = ["source.amazon-ebs.guest"]
}
